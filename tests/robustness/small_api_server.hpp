// As much of an API server as a webhook needs to become ready and to lead: lists, watches without events,
// objects by path. Plain HTTP on loopback.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/time.hpp"
#include "tests/support/scripted_http_server.hpp"

namespace nodeproof::test {

// Thread-safe. Holds the namespace demo (annotated-pods), the policy confidential, the Node plain-1 without
// evidence, and the pod demo/api, sensitive and without a node.
class SmallApiServer {
 public:
  static constexpr const char* kPodUid = "de437f31-c51d-4217-aa4c-bc7b1b8593a8";

  SmallApiServer();

  std::string url() const { return server_.url(); }
  // From now on no request is answered and no watch says anything; false: as ever.
  void be_silent(bool silent) { silent_ = silent; }
  // The Date of every answer is off by this.
  void shift_clock(Seconds by) { shift_ = by.count(); }
  // This resource ("nodequotes") is not served, as before its definition is applied; empty: all are.
  void set_unknown(const std::string& resource);
  // A GET of one pod takes this long.
  void delay_pods(std::chrono::milliseconds by) { pod_delay_ = by.count(); }
  // A write of a Node or of its status takes this long.
  void delay_reports(std::chrono::milliseconds by) { report_delay_ = by.count(); }
  // One more object, as if it had been applied. JSON.
  void add(const std::string& path, const std::string& json);
  // As many more Nodes without evidence; before a webhook lists them.
  void add_nodes(int count);
  // How many writes of a Node or its status have been asked for.
  int reports() const { return reports_; }

 private:
  void answer(const ScriptedRequest& request, ScriptedConnection& to);
  void get(const ScriptedRequest& request, ScriptedConnection& to);
  void post(const ScriptedRequest& request, ScriptedConnection& to);
  void put(const ScriptedRequest& request, ScriptedConnection& to);
  bool is_unknown(const std::string& path) const;
  void reply(ScriptedConnection& to, int status, const std::string& body) const;
  void store(const std::string& path, const std::string& json);
  std::string list(const std::string& collection) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_;  // JSON by path
  std::uint64_t version_ = 1;
  std::string unknown_;
  std::atomic<bool> silent_{false};
  std::atomic<std::int64_t> pod_delay_{0};     // milliseconds
  std::atomic<std::int64_t> report_delay_{0};  // milliseconds
  std::atomic<int> reports_{0};
  std::atomic<std::int64_t> shift_{0};  // seconds
  ScriptedHttpServer server_;           // last: its threads use the rest
};

}  // namespace nodeproof::test
