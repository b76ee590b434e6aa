// Contract wrtc-signal, section 9.
#include "control/signaling/wrtcsignal/wrtc_demo.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(WrtcDemo, ThePageAndEverythingThatItLoadsIsThere) {
  const WrtcDemo demo("[]", "");
  const auto page = demo.find("/demo");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  for (const std::string id : {"localVideo", "audioSource", "videoSource", "roomName"})
    EXPECT_NE(page->content.find("id=\"" + id + "\""), std::string::npos) << id;
  EXPECT_NE(page->content.find("value=\"test-room\""), std::string::npos);
  EXPECT_NE(page->content.find(">Create room<"), std::string::npos);
  EXPECT_NE(page->content.find(">Join to room<"), std::string::npos);
  std::size_t loaded = 0;
  for (const std::string attribute : {"src=\"", "href=\""}) {
    for (std::size_t at = 0; (at = page->content.find(attribute, at)) != std::string::npos; ++loaded) {
      at += attribute.size();
      const std::string path = page->content.substr(at, page->content.find('"', at) - at);
      EXPECT_TRUE(WrtcDemo::claims(path)) << path;
      EXPECT_TRUE(demo.find(path)) << path;
    }
  }
  EXPECT_EQ(loaded, 4U);
  EXPECT_TRUE(demo.find("/scripts/socket.js"));
  EXPECT_EQ(page->content.find("://"), std::string::npos) << "nothing from elsewhere";
}

TEST(WrtcDemo, WhatIsNotThereIsNotFound) {
  const WrtcDemo demo("[]", "");
  for (const std::string path : {"/scripts/", "/scripts/none.js", "/css/../scripts/demo.js", "/demo/", "/demo.htm"})
    EXPECT_FALSE(demo.find(path)) << path;
  EXPECT_FALSE(WrtcDemo::claims("/"));
  EXPECT_FALSE(WrtcDemo::claims("/demos"));
}

TEST(WrtcDemo, TheOperatorsSettingsAreWhatTheScriptSays) {
  EXPECT_EQ(WrtcDemo("[]", "").find("/scripts/config.js")->content, "window.env = {\"iceConfig\":{\"iceServers\":[]}};\n");
  EXPECT_EQ(WrtcDemo(R"([{"urls":"stun:x"}])", "a\"b").find("/scripts/config.js")->content,
            "window.env = {\"iceConfig\":{\"iceServers\":[{\"urls\":\"stun:x\"}]},\"token\":\"a\\\"b\"};\n");
}

}  // namespace
}  // namespace sluice
