// What lists and watches cost: a page of pods against simdjson's DOM alone, an event of a watch against
// a bulk reader that only splits lines. Prints two rows of a table.
#include <cpprest/http_client.h>
#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <iostream>
#include <thread>

#include "attest/strict_json.hpp"
#include "bench/cluster.hpp"
#include "bench/measure.hpp"
#include "webhook/pod_directory.hpp"

namespace nodeproof::bench {
namespace {

using Duration = std::chrono::duration<double>;

constexpr int kRounds = 9;
constexpr std::size_t kPages = 40;
constexpr std::size_t kEvents = 20'000;
constexpr std::size_t kPageLimit = 64U << 20U;

struct Row {
  std::vector<double> subject, reference;  // seconds of CPU, a round each

  void print(const char* name, double divisor, double target) const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < subject.size(); ++i) ratios.push_back(subject[i] / reference[i]);
    const double ratio = median(ratios);
    std::printf("| %s | %.1f | %.1f | %.2f | %.2f to %.2f | %.1f | %s |\n", name,
                median(subject) / divisor * 1e6, median(reference) / divisor * 1e6, ratio,
                *std::min_element(ratios.begin(), ratios.end()),
                *std::max_element(ratios.begin(), ratios.end()), target, ratio <= target ? "yes" : "no");
  }
};

double cpu_of(const std::function<void()>& work) {
  const Duration before = cpu_time();
  work();
  return (cpu_time() - before).count();
}

// As kube::ListWatch and webhook::PodDirectory take a page.
void take_page(std::string& page, attest::JsonParser& parser, const kube::WatchHandler& handler) {
  auto document = attest::JsonDocument::parse_in_place(page, kPageLimit, "list", parser);
  if (!document) throw std::runtime_error(to_string(document.error()));
  const auto items = document->root().required("items")->array();
  for (const attest::JsonValue& item : *items) handler.update(item);
}

void list_pages() {
  std::vector<std::string> pages = pod_pages(kPages * kPageSize);
  const std::vector<std::string> as_they_come = pages;
  Row row;
  for (int round = 0; round < kRounds; ++round) {
    webhook::PodDirectory directory;
    const kube::WatchHandler handler = directory.handler();
    row.subject.push_back(cpu_of([&] {
      handler.begin();
      attest::JsonParser parser;
      for (std::string& page : pages) take_page(page, parser, handler);
      handler.listed();
    }));
    simdjson::dom::parser parser;
    row.reference.push_back(cpu_of([&] {
      for (const std::string& page : as_they_come) {
        if (parser.parse(page).error() != simdjson::SUCCESS) throw std::runtime_error("a page is no JSON");
      }
    }));
  }
  row.print("a page of 500 pods, 2.4 MB, to the directory; simdjson DOM", kPages, 2.0);
}

// kEvents through kube::ListWatch, parsed and handed over.
void watch_events(const std::string& url) {
  kube::ApiClient client({.server = url, .token = "t"}, "bench", Seconds(60));
  std::atomic<std::size_t> seen{0};
  kube::WatchHandler handler;
  handler.begin = handler.listed = [] {};
  handler.update = handler.remove = [&seen](const attest::JsonValue&) { ++seen; };
  kube::ListWatchOptions options;
  options.path = kEventsPath;
  kube::ListWatch watch(client, options, handler);
  watch.start();
  while (seen < kEvents) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

// The same bytes through cpprest in the largest pieces that it gives; nothing is parsed.
void bulk_read(const std::string& url) {
  web::http::client::http_client client(url);
  const auto response = client.request(web::http::methods::GET, std::string(kEventsPath) + "?watch=1").get();
  auto body = response.body().streambuf();
  std::vector<std::uint8_t> buffer(1U << 20U);
  for (std::size_t lines = 0; lines < kEvents;) {
    if (body.getc().get() == decltype(body)::traits::eof()) throw std::runtime_error("the stream ended");
    const std::size_t got = body.getn(buffer.data(), std::min(buffer.size(), body.in_avail())).get();
    lines += static_cast<std::size_t>(
        std::count(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got), '\n'));
  }
}

void watches(const std::string& url) {
  Row row;
  for (int round = 0; round < kRounds; ++round) {
    row.subject.push_back(cpu_of([&] { watch_events(url); }));
    row.reference.push_back(cpu_of([&] { bulk_read(url); }));
  }
  row.print("an event of 4 kB through a watch; bulk reader", kEvents, 1.5);
}

}  // namespace
}  // namespace nodeproof::bench

int main() {
  using namespace nodeproof::bench;
  try {
    const Cluster cluster({0, 0, kEvents}, make_cluster_world());
    spdlog::set_level(spdlog::level::warn);
    nodeproof::kube::limit_http_threads(2);
    list_pages();
    watches(cluster.url());
  } catch (const std::exception& error) {
    std::cerr << "stream_bench: " << error.what() << "\n";
    return 3;
  }
}
