#include "webhook/pod_pages.hpp"

#include <cpprest/base_uri.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "attest/strict_json.hpp"

namespace nodeproof::webhook {
namespace {

constexpr std::size_t kMostPods = 100;
// What is parsed takes some 15 times its length. Pods of a hostile user may be of 1.5 MiB each: a longer page
// is asked for anew, with fewer pods.
constexpr std::size_t kLongestPage = std::size_t{4} << 20U;
constexpr std::size_t kLongestPod = std::size_t{8} << 20U;

std::string path_of(const std::string& list, std::size_t limit, const std::string& token) {
  std::string out = list + "&limit=" + std::to_string(limit);
  if (!token.empty()) out += "&continue=" + web::uri::encode_data_string(token);
  return out;
}

}  // namespace

PodPages::PodPages(ClusterApi& api) : api_(api), limit_(kMostPods) {}

PodPage PodPages::read(const std::string& path, const std::string& token, attest::JsonParser& parser) {
  for (;;) {
    auto body = api_.get_if_exists(path_of(path, limit_, token));
    if (!body) throw std::runtime_error("the API server knows no pods");
    if (body->size() > kLongestPage && limit_ > 1) {
      limit_ /= 2;
      continue;
    }
    limit_ = std::min(kMostPods, 2 * limit_);
    auto document = attest::JsonDocument::parse_in_place(*body, kLongestPod, "pods", parser);
    auto page = document ? parse_pod_page(document->root()) : Result<PodPage>(document.error());
    if (!page) throw std::runtime_error("a list of pods cannot be read: " + to_string(page.error()));
    return *std::move(page);
  }
}

std::vector<RunningPod> PodPages::on_node(const std::string& node) {
  std::vector<RunningPod> out;
  attest::JsonParser parser;
  std::string token;
  do {
    PodPage page = read(running_pods_path(node), token, parser);
    std::move(page.running.begin(), page.running.end(), std::back_inserter(out));
    for (const Error& error : page.unreadable)
      spdlog::warn("a pod on node {} cannot be read: {}", node, to_string(error));
    token = std::move(page.next);
  } while (!token.empty());
  return out;
}

}  // namespace nodeproof::webhook
