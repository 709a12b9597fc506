#include "wire/event.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

const UnixTime kNow = from_unix(1'750'000'000);

const Event kRefusal{
    {"Pod", "demo", "api", "u-1"}, true, "PlacementRefused", "pod demo/api may not", "no-tpm"};
const Event kLogChange{{"Node", "", "cvm-1", "u-2"}, false, "BootLogChanged", "its log differs", "boot-1"};

std::string member(const Event& event, std::initializer_list<const char*> path) {
  const auto text = parsed(to_json(event, kNow), [&](attest::JsonValue at) -> Result<std::string> {
    for (const char* key : path) {
      NODEPROOF_TRY(next, at.required(key));
      at = next;
    }
    return at.text();
  });
  return text ? *text : to_string(text.error());
}

TEST(Event, LivesWithItsObject) {
  EXPECT_EQ(event_path(kRefusal), "/api/v1/namespaces/demo/events");
  EXPECT_EQ(member(kRefusal, {"metadata", "namespace"}), "demo");
  EXPECT_EQ(member(kRefusal, {"involvedObject", "namespace"}), "demo");
  EXPECT_EQ(event_path(kLogChange), "/api/v1/namespaces/default/events");
  EXPECT_EQ(member(kLogChange, {"metadata", "namespace"}), "default");
  EXPECT_EQ(to_json(kLogChange, kNow).find(R"("namespace":"")"), std::string::npos);
}

TEST(Event, SaysWhatHappenedToWhom) {
  EXPECT_EQ(member(kRefusal, {"involvedObject", "kind"}), "Pod");
  EXPECT_EQ(member(kRefusal, {"involvedObject", "name"}), "api");
  EXPECT_EQ(member(kRefusal, {"involvedObject", "uid"}), "u-1");
  EXPECT_EQ(member(kRefusal, {"type"}), "Warning");
  EXPECT_EQ(member(kLogChange, {"type"}), "Normal");
  EXPECT_EQ(member(kRefusal, {"reason"}), "PlacementRefused");
  EXPECT_EQ(member(kRefusal, {"message"}), kRefusal.note);
  EXPECT_EQ(member(kRefusal, {"firstTimestamp"}), "2025-06-15T15:06:40Z");
  Event unknown = kRefusal;
  unknown.about.uid.clear();
  EXPECT_EQ(to_json(unknown, kNow).find(R"("uid")"), std::string::npos);
}

// The API server takes 1,024 bytes, not characters.
TEST(Event, ALongNoteIsCut) {
  Event event = kRefusal;
  event.note.clear();
  for (int i = 0; i < 1000; ++i) event.note += "\xe2\x82\xac";
  const std::string note = member(event, {"message"});
  EXPECT_LE(note.size(), 1024U);
  EXPECT_GE(note.size(), 1021U);
}

// Whoever reports the same gives it the same name, so that the second is refused.
TEST(Event, IsNamedByWhatItIsAbout) {
  const std::string name = member(kRefusal, {"metadata", "name"});
  EXPECT_EQ(name.substr(0, 4), "api.");
  const auto differs = [&](auto change) {
    Event other = kRefusal;
    change(other);
    return member(other, {"metadata", "name"}) != name;
  };
  EXPECT_FALSE(differs([](Event& e) { e.note = "in other words"; }));
  EXPECT_TRUE(differs([](Event& e) { e.about.uid = "u-9"; }));
  EXPECT_TRUE(differs([](Event& e) { e.reason = "Other"; }));
  EXPECT_TRUE(differs([](Event& e) { e.occasion = "evidence-age"; }));
}

// Names of objects are DNS subdomains of at most 253 characters; no part ends with a dash or is empty.
TEST(Event, ANameCutAtADotIsStillAName) {
  for (const std::string tail : {".", "-", ".-.", "x"}) {
    Event event = kRefusal;
    event.about.name = std::string(200 - tail.size(), 'a') + tail + std::string(53, 'b');
    const std::string name = member(event, {"metadata", "name"});
    EXPECT_LE(name.size(), 253U);
    EXPECT_EQ(name.find(".."), std::string::npos) << name;
    EXPECT_EQ(name.find("-."), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace nodeproof::wire
