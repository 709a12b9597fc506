#include "tests/robustness/webhook_process.hpp"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace nodeproof::test {
namespace {

using webhook::test::EdgeClient;
using webhook::test::Reply;

constexpr std::size_t kMaxText = 64U << 20U;
constexpr std::chrono::seconds kStartTime{60};  // a sanitizer on a busy machine takes its time

std::string read_text(const std::filesystem::path& file) {
  const auto content = read_file_if_exists(file, kMaxText);
  return content ? std::string(as_text(*content)) : std::string();
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  write_file(file, as_bytes(text), 0600);
}

// The number behind `key` in `text`; 0 when there is none.
std::uint64_t number_after(const std::string& text, std::string_view key) {
  std::size_t at = text.find(key);
  if (at == std::string::npos) return 0;
  at = text.find_first_of("0123456789", at + key.size());
  std::uint64_t out = 0;
  if (at != std::string::npos) std::from_chars(text.data() + at, text.data() + text.size(), out);
  return out;
}

std::string kubeconfig(const std::string& url) {
  return "current-context: test\n"
         "contexts: [{name: test, context: {cluster: test, user: test}}]\n"
         "clusters: [{name: test, cluster: {server: \"" +
         url + "\"}}]\nusers: [{name: test, user: {token: t0ken}}]\n";
}

std::string configuration(const std::filesystem::path& folder, const WebhookOptions& options) {
  return "listen: 127.0.0.1:0\nhealthListen: 127.0.0.1:0\nviewAge: 20s\nidentity: " + options.identity +
         "\nepochLength: " + to_duration(options.epoch_length) +
         "\ntls: {certFile: " + (folder / "tls.crt").string() +
         ", keyFile: " + (folder / "tls.key").string() + "}\n" +
         (options.admission_policies.empty()
              ? std::string()
              : "admissionPolicies: " + (folder / "admission-policies.json").string() + "\n");
}

std::string program() {
  const char* folder = std::getenv("NODEPROOF_BIN");
  if (folder == nullptr) throw std::runtime_error("NODEPROOF_BIN does not name the folder of the programs");
  return std::string(folder) + "/nodeproof-webhook";
}

std::string review(const std::string& kind, const std::string& sub_resource, const std::string& object) {
  return R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"review-1",)"
         R"("kind":{"group":"","version":"v1","kind":")" +
         kind + R"("},"resource":{"group":"","version":"v1","resource":"pods"},"subResource":")" +
         sub_resource + R"(","name":"api","namespace":"demo","operation":"CREATE",)" +
         R"("userInfo":{"username":"system:kube-scheduler"},"object":)" + object + "}}";
}

bool has(const std::optional<Reply>& reply, std::string_view text) {
  return reply && reply->status == 200 && reply->body.find(text) != std::string::npos;
}

}  // namespace

void look_beside_this_program() {
  const std::string folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  ::setenv("NODEPROOF_BIN", folder.c_str(), 0);
}

WebhookProcess::WebhookProcess(const SmallApiServer& api, WebhookOptions options) : files_(current_pair(1)) {
  write_text(folder() / "kubeconfig", kubeconfig(api.url()));
  write_text(folder() / "admission-policies.json", options.admission_policies);
  write_text(folder() / "webhook.yaml", configuration(folder(), options));
  spawn(program(), options.descriptors);
  const auto deadline = std::chrono::steady_clock::now() + kStartTime;
  while (!read_ports()) {
    if (!is_alive() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the webhook does not start:\n" + log());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

WebhookProcess::~WebhookProcess() {
  if (!is_alive()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

// Between fork and exec only what POSIX calls async-signal-safe: other threads may hold any lock.
void WebhookProcess::spawn(const std::string& program, std::size_t descriptors) {
  const std::string config = folder() / "webhook.yaml";
  const std::string kubeconfig_file = folder() / "kubeconfig";
  const std::string log_file = folder() / "log";
  const rlimit limit{descriptors, descriptors};
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const int log_fd = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  ::close(log_fd);
  ::execl(program.c_str(), program.c_str(), "--config", config.c_str(), "--kubeconfig",
          kubeconfig_file.c_str(), nullptr);
  ::_exit(127);
}

bool WebhookProcess::read_ports() {
  const std::string text = log();
  port_ = static_cast<std::uint16_t>(number_after(text, "admission at 127.0.0.1:"));
  health_port_ = static_cast<std::uint16_t>(number_after(text, "health at 127.0.0.1:"));
  return port_ != 0 && health_port_ != 0;
}

bool WebhookProcess::is_alive() {
  return !exit_code(std::chrono::milliseconds(0));
}

bool WebhookProcess::is_ready() const {
  return health("/readyz") == "ok\n";
}

void WebhookProcess::signal(int number) const {
  ::kill(pid_, number);
}

std::optional<int> WebhookProcess::exit_code(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!exit_code_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (std::chrono::steady_clock::now() >= deadline) {
      break;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  return exit_code_;
}

std::size_t WebhookProcess::open_descriptors() const {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd")) {
    ++count;
  }
  return count;
}

std::size_t WebhookProcess::resident_bytes() const {
  const std::string status = read_text("/proc/" + std::to_string(pid_) + "/status");
  return number_after(status, "RssAnon:") * 1024;
}

// utime and stime, the 14th and 15th field of proc(5)'s stat; the name before them ends with ')'.
std::chrono::milliseconds WebhookProcess::cpu_time() const {
  const std::string stat = read_text("/proc/" + std::to_string(pid_) + "/stat");
  std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  return std::chrono::milliseconds((user + system) * 1000 / ::sysconf(_SC_CLK_TCK));
}

std::string WebhookProcess::log() const {
  return read_text(folder() / "log");
}

std::string WebhookProcess::health(const std::string& path) const {
  EdgeClient client(health_port_);
  client.send(webhook::test::get(path));
  const auto reply = client.reply();
  return reply ? reply->body : std::string();
}

double WebhookProcess::metric(const std::string& sample) const {
  const std::string text = "\n" + health("/metrics");
  const std::size_t at = text.find("\n" + sample + " ");
  if (at == std::string::npos) throw std::runtime_error("no metric " + sample);
  return std::strtod(text.c_str() + at + 1 + sample.size(), nullptr);
}

webhook::test::ServingPair current_pair(long serial) {
  const UniqueHandle<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  const UniqueHandle<BIO, BIO_free> memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  const std::string pem(data, static_cast<std::size_t>(size));
  return webhook::test::make_serving_pair(forge::PrivateKey::from_pem(as_bytes(pem)), serial,
                                          SystemClock().now() + std::chrono::hours(24));
}

std::string binding_review(bool with_uid) {
  const std::string uid = with_uid ? R"(,"uid":")" + std::string(SmallApiServer::kPodUid) + "\"" : "";
  return review("Binding", "binding",
                R"({"kind":"Binding","metadata":{"name":"api","namespace":"demo")" + uid +
                    R"(},"target":{"kind":"Node","name":"plain-1"}})");
}

bool is_right_denial(const std::optional<Reply>& reply) {
  return has(reply, R"("allowed":false)") && has(reply, "may not be placed on node plain-1");
}

std::string plain_pod_review(std::size_t ballast) {
  return review("Pod", "",
                R"({"metadata":{"name":"api","namespace":"demo","annotations":{"ballast":")" +
                    std::string(ballast, 'x') + R"("}},"spec":{}})");
}

bool is_right_permission(const std::optional<Reply>& reply) {
  return has(reply, R"("allowed":true)");
}

std::string marked_pod_review() {
  return review("Pod", "",
                R"({"metadata":{"name":"new","namespace":"demo","annotations":{"nodeproof.dev/policy":)"
                R"("confidential"}},"spec":{}})");
}

bool is_right_patch(const std::optional<Reply>& reply) {
  return has(reply, R"("allowed":true)") && has(reply, R"("patchType":"JSONPatch")");
}

bool answers_honestly(std::uint16_t port) {
  EdgeClient client(port);
  if (!client.connected() || !client.start_tls()) return false;
  client.send(webhook::test::post("/admit?timeout=5s", binding_review()));
  if (!is_right_denial(client.reply())) return false;
  client.send(webhook::test::post("/admit?timeout=5s", plain_pod_review()));
  if (!is_right_permission(client.reply())) return false;
  client.send(webhook::test::post("/mutate?timeout=5s", marked_pod_review()));
  return is_right_patch(client.reply());
}

}  // namespace nodeproof::test
