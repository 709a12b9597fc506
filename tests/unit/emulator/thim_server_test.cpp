#include "tests/emulator/thim_server.hpp"

#include <gtest/gtest.h>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <thread>

namespace nodeproof::emulator {
namespace {

namespace http = boost::beast::http;

// Runs what listens on a thread of its own.
class ThimServerTest : public testing::Test {
 protected:
  ~ThimServerTest() override {
    context_.stop();
    thread_.join();
  }

  http::response<http::string_body> send(const http::request<http::empty_body>& request) {
    boost::asio::io_context context;
    boost::beast::tcp_stream stream(context);
    stream.connect(Tcp::endpoint(boost::asio::ip::address_v4::loopback(), server_.port()));
    http::write(stream, request);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(stream, buffer, response);
    return response;
  }

 private:
  boost::asio::io_context context_;
  ThimServer server_{context_, 0, R"({"vcekCert":""})"};
  std::thread thread_{[this] { context_.run(); }};
};

http::request<http::empty_body> right_request() {
  http::request<http::empty_body> request(http::verb::get, "/metadata/THIM/amd/certification", 11);
  request.set("Metadata", "true");
  return request;
}

TEST_F(ThimServerTest, AnswersTheRightRequest) {
  const auto response = send(right_request());
  EXPECT_EQ(response.result(), http::status::ok);
  EXPECT_EQ(response.body(), R"({"vcekCert":""})");
  EXPECT_EQ(response[http::field::content_type], "application/json");
}

TEST_F(ThimServerTest, ToleratesAQueryString) {
  auto request = right_request();
  request.target("/metadata/THIM/amd/certification?api-version=2021-12-01");
  EXPECT_EQ(send(request).result(), http::status::ok);
}

TEST_F(ThimServerTest, RefusesAsAzureDoes) {
  auto no_header = right_request();
  no_header.erase("Metadata");
  EXPECT_EQ(send(no_header).result(), http::status::bad_request);
  auto wrong_value = right_request();
  wrong_value.set("Metadata", "false");
  EXPECT_EQ(send(wrong_value).result(), http::status::bad_request);
  auto forwarded = right_request();
  forwarded.set("X-Forwarded-For", "203.0.113.1");
  EXPECT_EQ(send(forwarded).result(), http::status::bad_request);
  auto elsewhere = right_request();
  elsewhere.target("/metadata/instance");
  EXPECT_EQ(send(elsewhere).result(), http::status::not_found);
  auto changing = right_request();
  changing.method(http::verb::delete_);
  EXPECT_EQ(send(changing).result(), http::status::method_not_allowed);
}

}  // namespace
}  // namespace nodeproof::emulator
