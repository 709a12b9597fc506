// How fast is an AdmissionReview read, strictly, against simdjson's DOM with the same fields taken out?
//
//   review_bench [OPTIONS OF GOOGLE BENCHMARK] FILE...
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "attest/strict_json.hpp"
#include "base/file.hpp"
#include "bench/comparison.hpp"
#include "wire/admission_review.hpp"

namespace nodeproof::bench {
namespace {

constexpr std::size_t kMaxBody = 3U << 20U;
constexpr double kTarget = 0.77;  // at most 1.3 times the reference's time
constexpr int kBatch = 200;

// What the webhook does with the body of a request, with memory that is used again, as it has it.
class Subject {
 public:
  explicit Subject(Bytes body) : body_(std::move(body)) { read(); }

  void read() {
    const auto review = wire::parse_admission_review(body_, parser_);
    if (!review) throw std::runtime_error(to_string(review.error()));
    benchmark::DoNotOptimize(review->uid.data());
  }

 private:
  const Bytes body_;
  attest::JsonParser parser_;
};

// The parse alone, and a dozen fields of it as they stand in the parser's memory.
class Reference {
 public:
  explicit Reference(Bytes body) : body_(std::move(body)) {}

  void read() {
    const simdjson::dom::element review = parser_.parse(body_.data(), body_.size());
    const simdjson::dom::element request = review["request"];
    std::size_t bytes = 0;
    for (const char* key : {"uid", "operation", "name", "namespace"}) bytes += text(request[key]);
    bytes += text(review["apiVersion"]) + text(review["kind"]);
    bytes += text(request["kind"]["kind"]) + text(request["resource"]["resource"]);
    bytes += text(request["userInfo"]["username"]);
    const simdjson::dom::element metadata = request["object"]["metadata"];
    bytes += text(metadata["name"]) + text(metadata["uid"]);
    simdjson::dom::object annotations;
    if (metadata["annotations"].get(annotations) == simdjson::SUCCESS) {
      for (const auto field : annotations) bytes += field.key.size();
    }
    benchmark::DoNotOptimize(bytes);
  }

 private:
  static std::size_t text(const simdjson::simdjson_result<simdjson::dom::element>& value) {
    return std::string_view(value).size();
  }

  const Bytes body_;
  simdjson::dom::parser parser_;
};

void add_file(const std::filesystem::path& file) {
  const Bytes body = read_file(file, kMaxBody);
  const auto subject = std::make_shared<Subject>(body);
  const auto reference = std::make_shared<Reference>(body);
  add({"review/" + file.stem().string() + "/" + std::to_string(body.size()) + " bytes",
       [subject] { subject->read(); }, [reference] { reference->read(); }, kTarget, kBatch});
}

}  // namespace
}  // namespace nodeproof::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);  // takes its own options away
  try {
    for (int i = 1; i < argc; ++i) nodeproof::bench::add_file(argv[i]);
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& e) {
    std::cerr << "review_bench: " << e.what() << '\n';
    return 1;
  }
}
