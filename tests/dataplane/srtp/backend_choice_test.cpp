#include "dataplane/srtp/backend_choice.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "dataplane/srtp/ipsec_mb_backend.hpp"

namespace sluice {
namespace {

TEST(BackendChoice, knows_its_words) {
  EXPECT_EQ(srtp_backend_choice("auto"), SrtpBackendChoice::automatic);
  EXPECT_EQ(srtp_backend_choice("openssl"), SrtpBackendChoice::openssl);
  EXPECT_EQ(srtp_backend_choice("ipsec-mb"), SrtpBackendChoice::ipsec_mb);
  EXPECT_EQ(srtp_backend_choice("OpenSSL"), std::nullopt);
  EXPECT_EQ(srtp_backend_choice(""), std::nullopt);
}

TEST(BackendChoice, takes_ipsec_mb_where_it_runs_and_openssl_elsewhere) {
  EXPECT_EQ(open_srtp_backend(SrtpBackendChoice::openssl)->name(), "openssl");
  const auto best = open_ipsec_mb_backend();
  if (best == nullptr) {
    EXPECT_EQ(open_srtp_backend(SrtpBackendChoice::automatic)->name(), "openssl");
    EXPECT_THROW((void)open_srtp_backend(SrtpBackendChoice::ipsec_mb), std::runtime_error);
  } else {
    EXPECT_TRUE(best->name().starts_with("ipsec-mb/"));
    EXPECT_EQ(open_srtp_backend(SrtpBackendChoice::automatic)->name(), best->name());
    EXPECT_EQ(open_srtp_backend(SrtpBackendChoice::ipsec_mb)->name(), best->name());
  }
}

}  // namespace
}  // namespace sluice
