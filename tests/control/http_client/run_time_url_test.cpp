#include "control/http_client/run_time_url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

SocketAddress address(const std::string& text) {
  const auto parsed = SocketAddress::parse(text, 0);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(SocketAddress{});
}

TEST(GlobalAddress, ThePublicInternetIs) {
  for (const char* text :
       {"1.1.1.1",         "8.8.8.8",         "9.255.255.255",   "11.0.0.0",     "100.63.255.255",   "100.128.0.0",
        "126.255.255.255", "128.0.0.1",       "169.253.255.255", "169.255.0.0",  "172.15.255.255",   "172.32.0.0",
        "192.0.1.0",       "192.0.3.0",       "192.167.255.255", "192.169.0.0",  "198.17.255.255",   "198.20.0.0",
        "223.255.255.255", "2606:4700::1111", "2a00::1",         "3fff:1000::1", "64:ff9b::8.8.8.8", "2002:808:808::1"}) {
    EXPECT_TRUE(is_global_address(address(text))) << text;
  }
}

TEST(GlobalAddress, WhatIsNotPublicIsNot) {
  for (const char* text : {"0.0.0.0",
                           "0.1.2.3",
                           "10.0.0.1",
                           "10.255.255.255",
                           "100.64.0.1",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.254",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.1",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.0.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.7",
                           "203.0.113.7",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "::ffff:169.254.169.254",
                           "::7f00:1",
                           "64:ff9b::127.0.0.1",
                           "64:ff9b::10.0.0.1",
                           "64:ff9b:1::8.8.8.8",
                           "fe80::1",
                           "febf::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "fec0::1",
                           "ff02::1",
                           "2001:db8::1",
                           "2001::1",
                           "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                           "2002:7f00:1::",
                           "2002:a00:1::1",
                           "3fff::1",
                           "100::1",
                           "5f00::1"}) {
    EXPECT_FALSE(is_global_address(address(text))) << text;
  }
}

TEST(RunTimeUrl, TakesHttpsToNamesAndPublicAddresses) {
  const auto url = RunTimeUrl::parse("HTTPS://Hooks.Example.com:8443/a/b?c=d#e");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "hooks.example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_FALSE(url->literal);
  EXPECT_EQ(RunTimeUrl::parse("https://example.com")->target, "/");
  EXPECT_EQ(RunTimeUrl::parse("https://example.com?x=1")->target, "/?x=1");
  EXPECT_EQ(RunTimeUrl::parse("https://8.8.8.8/")->literal, true);
  EXPECT_EQ(RunTimeUrl::parse("https://[2606:4700::1111]:443/")->host, "2606:4700::1111");
}

TEST(RunTimeUrl, RefusesEverythingElse) {
  const std::vector<std::pair<std::string, UrlError>> rows{
      {"", UrlError::not_https},
      {"http://example.com/", UrlError::not_https},
      {"https:/example.com/", UrlError::not_https},
      {"file:///etc/passwd", UrlError::not_https},
      {" https://example.com/", UrlError::bad_character},
      {"https://example.com/\r\nX: y", UrlError::bad_character},
      {"https://example.com\\@10.0.0.1/", UrlError::bad_character},
      {"https://ex\xC3\xA4mple.com/", UrlError::bad_character},
      {"https://user@example.com/", UrlError::credentials},
      {"https://example.com@127.0.0.1/", UrlError::credentials},
      {"https:///path", UrlError::bad_host},
      {"https://", UrlError::bad_host},
      {"https://:443/", UrlError::bad_host},
      {"https://intranet/", UrlError::bad_host},
      {"https://example.com./", UrlError::bad_host},
      {"https://example..com/", UrlError::bad_host},
      {"https://-example.com/", UrlError::bad_host},
      {"https://127.1/", UrlError::bad_host},
      {"https://2130706433/", UrlError::bad_host},
      {"https://0x7f.0.0.1/", UrlError::bad_host},
      {"https://0x7f000001/", UrlError::bad_host},
      {"https://0177.0.0.1/", UrlError::bad_host},
      {"https://example%2ecom/", UrlError::bad_host},
      {"https://[fe80::1%25eth0]/", UrlError::bad_host},
      {"https://[::1/", UrlError::bad_host},
      {"https://[::1]x/", UrlError::bad_host},
      {"https://[127.0.0.1]/", UrlError::bad_host},
      {"https://::1/", UrlError::bad_port},
      {"https://example.com:0/", UrlError::bad_port},
      {"https://example.com:65536/", UrlError::bad_port},
      {"https://example.com:/", UrlError::bad_port},
      {"https://example.com:+1/", UrlError::bad_port},
      {"https://example.com:000443/", UrlError::bad_port},
      {"https://127.0.0.1/", UrlError::local_address},
      {"https://169.254.169.254/latest/meta-data/", UrlError::local_address},
      {"https://[::1]/", UrlError::local_address},
      {"https://[::ffff:10.0.0.1]/", UrlError::local_address},
      {"https://[64:ff9b::7f00:1]/", UrlError::local_address},
      {"https://db.localhost/", UrlError::local_address},
      {"https://metadata.google.internal/", UrlError::local_address},
      {"https://printer.local/", UrlError::local_address},
      {"https://1.0.0.127.in-addr.arpa/", UrlError::local_address},
      {"https://example.com/" + std::string(2048, 'a'), UrlError::too_long},
  };
  for (const auto& [text, error] : rows) {
    const auto url = RunTimeUrl::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error(), error) << text << ": " << to_string(url.error());
  }
}

}  // namespace
}  // namespace sluice
