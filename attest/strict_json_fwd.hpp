// JsonValue and JsonParser by name only, for headers that take or hand on a reference: simdjson.h costs each
// file that includes it some seconds of a build.
#pragma once

namespace nodeproof::attest {
class JsonParser;
class JsonValue;
}  // namespace nodeproof::attest
