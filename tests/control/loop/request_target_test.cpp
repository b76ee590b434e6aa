#include "control/loop/request_target.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::loop {
namespace {

TEST(RequestLine, GivesTheTargetAsItWasSent) {
  RequestLine line;
  line.read("GET /party/a%2Fb//c?x=%26&y;z HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(line.take(), "/party/a%2Fb//c?x=%26&y;z");
  EXPECT_EQ(line.take(), "");
  line.read("OPTIONS * HTTP/1.1\r\n");
  EXPECT_EQ(line.take(), "*");
}

TEST(RequestLine, ComesInAnyPieces) {
  const std::string whole = "DELETE /whip/r/1 HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    RequestLine line;
    line.read(whole.substr(0, cut));
    line.read(whole.substr(cut));
    EXPECT_EQ(line.take(), "/whip/r/1") << cut;
  }
  RequestLine line;
  for (const char c : whole) line.read(std::string(1, c));
  EXPECT_EQ(line.take(), "/whip/r/1");
}

TEST(RequestLine, PassesOverWhatIsNoRequest) {
  RequestLine line;
  for (const std::string& bytes :
       {std::string("\x81\x05hello", 7), std::string("HTTP/1.1 200 OK\r\n"), std::string("get / HTTP/1.1\r\n"),
        std::string("PUTT /x HTTP/1.1\r\n"), std::string("G\r\n")}) {
    line.read(bytes);
    EXPECT_EQ(line.take(), "") << bytes;
  }
  line.read("GET /next HTTP/1.1\r\n");
  EXPECT_EQ(line.take(), "/next");
}

TEST(RequestLine, IsBounded) {
  RequestLine line;
  line.read("GET /" + std::string(9000, 'x'));
  line.read(std::string(9000, 'x') + " HTTP/1.1\r\n");
  EXPECT_EQ(line.take(), "");
}

TEST(TargetParts, AreCutWithoutDecoding) {
  const auto parts = target_parts("/party/a%2Fb?_pk=x%26y", "/party/a/b", "_pk=x&y");
  EXPECT_EQ(parts.raw_path, "/party/a%2Fb");
  EXPECT_EQ(parts.query, "_pk=x%26y");
  EXPECT_EQ(target_parts("http://host:1/p/q?x", "/p/q", "x=").raw_path, "/p/q");
  EXPECT_EQ(target_parts("/a//b", "/a/b", "").raw_path, "/a//b");
  EXPECT_EQ(target_parts("/?x=1#y", "/", "x=1").query, "x=1");
}

TEST(TargetParts, OfAnotherRequestAreNotBelieved) {
  const auto parts = target_parts("/elsewhere?y=2", "/party/a b%", "x=1+2&z=%");
  EXPECT_EQ(parts.raw_path, "/party/a%20b%25");
  EXPECT_EQ(parts.query, "x=1%2B2&z=%25");
  EXPECT_EQ(target_parts("", "/p", "").raw_path, "/p");
}

}  // namespace
}  // namespace sluice::loop
