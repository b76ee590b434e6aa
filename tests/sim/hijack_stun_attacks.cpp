// Attacks by STUN: nobody here knows a password, or they know one and break another rule.
#include "tests/sim/hijack_rules.hpp"
#include "tests/sim/hostile_stun.hpp"

namespace sluice::sim {
namespace {

using Scene = HostileScene;
using Out = std::vector<HostileDatagram>;

/// An authentic, nominating check for alice, as only she could write it.
HostileStun check_of(const SimPeer& who) {
  HostileStun stun;
  stun.username = who.setup.ufrag + ":peer";
  stun.password = who.setup.pwd;
  return stun;
}

/// The same bytes from nowhere, and from every address the worker knows of others.
Out from_all(const Scene& s, const Packet& bytes) {
  return {{s.stranger, bytes},
          {s.alice.setup.tuple, bytes},
          {s.bob.setup.tuple, bytes},
          {s.carol.setup.tuple, bytes},
          {s.dave.setup.tuple, bytes}};
}

Out with(Scene& s, const std::function<void(HostileStun&)>& change) {
  HostileStun stun = check_of(s.alice);
  change(stun);
  return from_all(s, stun.bytes());
}

constexpr Counter parse = Counter::drop_stun_parse;
constexpr Counter integrity = Counter::drop_stun_bad_integrity;

}  // namespace

std::vector<Attack> stun_attacks() {
  constexpr auto anyone = Attacker::anyone;
  std::vector<Attack> out;
  const auto add = [&](Rule rule, std::string_view name, std::vector<Counter> counters,
                       std::function<Out(Scene&)> datagrams) {
    out.push_back({rule, name, anyone, std::move(counters), std::move(datagrams)});
  };
  add(Rule::stun_integrity, "stun with another password", {integrity},
      [](Scene& s) { return with(s, [](HostileStun& m) { m.password = "another-password-of-22-chars"; }); });
  add(Rule::stun_integrity, "stun with the password of another transport", {integrity},
      [](Scene& s) { return with(s, [&](HostileStun& m) { m.password = s.bob.setup.pwd; }); });
  add(Rule::stun_integrity, "stun without message integrity", {integrity},
      [](Scene& s) { return with(s, [](HostileStun& m) { m.integrity = false; }); });
  add(Rule::stun_integrity, "stun with every bit turned",
      {parse, integrity, Counter::drop_unknown_class, Counter::drop_unknown_tuple, Counter::drop_dtls_not_validated},
      [](Scene& s) {
        Out turned;
        const Packet right = check_of(s.alice).bytes();
        for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
          Packet wrong = right;
          wrong[bit / 8] ^= std::byte(1U << (bit % 8));
          turned.push_back({s.stranger, wrong});
        }
        return turned;
      });
  add(Rule::stun_integrity, "recorded check made to nominate behind its integrity", {integrity}, [](Scene& s) {
    // Nobody has to know the password for this: the tail is only covered by a CRC.
    HostileStun m = check_of(s.alice);
    m.nominate = false;
    m.nominate_behind = true;
    m.password = "not known to the attacker";
    return from_all(s, m.bytes());
  });
  add(Rule::stun_fingerprint, "stun without fingerprint", {parse},
      [](Scene& s) { return with(s, [](HostileStun& m) { m.fingerprint = false; }); });
  add(Rule::stun_fingerprint, "stun with a wrong fingerprint", {parse}, [](Scene& s) {
    Packet bytes = check_of(s.alice).bytes();
    bytes.back() ^= std::byte{1};
    return from_all(s, bytes);
  });
  add(Rule::stun_our_ufrag, "stun for nobody", {integrity},
      [](Scene& s) { return with(s, [](HostileStun& m) { m.username = "nobody:peer"; }); });
  add(Rule::stun_our_ufrag, "stun with user names turned round", {integrity},
      [](Scene& s) { return with(s, [&](HostileStun& m) { m.username = "peer:" + s.alice.setup.ufrag; }); });
  add(Rule::stun_our_ufrag, "stun without user name", {parse},
      [](Scene& s) { return with(s, [](HostileStun& m) { m.named = false; }); });
  add(Rule::stun_whole_username, "stun of another peer of the same ufrag", {integrity},
      [](Scene& s) { return with(s, [&](HostileStun& m) { m.username = s.alice.setup.ufrag + ":other"; }); });
  add(Rule::stun_whole_username, "stun with a longer user name", {integrity},
      [](Scene& s) { return with(s, [](HostileStun& m) { m.username += "x"; }); });
  add(Rule::stun_whole_username, "stun with a shorter user name", {integrity},
      [](Scene& s) { return with(s, [](HostileStun& m) { m.username.pop_back(); }); });
  add(Rule::stun_whole_username, "stun with half a user name", {parse},
      [](Scene& s) { return with(s, [&](HostileStun& m) { m.username = s.alice.setup.ufrag; }); });
  add(Rule::stun_whole_username, "stun with an ufrag that only begins like ours", {integrity},
      [](Scene& s) { return with(s, [&](HostileStun& m) { m.username = s.alice.setup.ufrag + "0:peer"; }); });
  add(Rule::stun_whole_username, "stun right for another transport by name only", {integrity},
      [](Scene& s) { return with(s, [&](HostileStun& m) { m.username = s.bob.setup.ufrag + ":peer"; }); });
  add(Rule::stun_shape, "stun cut at every byte", {parse, Counter::drop_bad_length, Counter::drop_unknown_class},
      [](Scene& s) {
        Out cut;
        const Packet right = check_of(s.alice).bytes();
        for (std::size_t size = 0; size < right.size(); ++size) {
          cut.push_back({s.stranger, {right.begin(), right.begin() + static_cast<std::ptrdiff_t>(size)}});
        }
        return cut;
      });
  add(Rule::stun_shape, "stun with bytes behind it", {parse}, [](Scene& s) {
    Packet bytes = check_of(s.alice).bytes();
    bytes.resize(bytes.size() + 4);
    return from_all(s, bytes);
  });
  add(Rule::stun_shape, "stun of a wrong length", {parse}, [](Scene& s) {
    Out all;
    for (const int error : {-24, -4, -1, 1, 4, 1000}) {
      for (auto& d : with(s, [&](HostileStun& m) { m.length_error = error; })) all.push_back(std::move(d));
    }
    return all;
  });
  add(Rule::stun_shape, "stun without magic cookie", {parse},
      [](Scene& s) { return with(s, [](HostileStun& m) { m.cookie = 0x2112a443; }); });
  add(Rule::stun_only_requests, "authentic responses, indications and other methods", {parse}, [](Scene& s) {
    Out all;
    for (const unsigned type : {0x0101U, 0x0111U, 0x0011U, 0x0003U, 0x0002U, 0x0121U, 0x03ffU}) {
      for (auto& d : with(s, [&](HostileStun& m) { m.type = static_cast<std::uint16_t>(type); }))
        all.push_back(std::move(d));
    }
    return all;
  });
  add(Rule::stun_no_error_reply, "role conflict that is not authentic", {integrity}, [](Scene& s) {
    return with(s, [](HostileStun& m) {
      m.controlled = true;
      m.password = "another-password-of-22-chars";
    });
  });
  add(Rule::stun_no_error_reply, "unknown attribute that is not authentic", {integrity}, [](Scene& s) {
    return with(s, [](HostileStun& m) {
      m.unknown = 0x7123;
      m.password = "another-password-of-22-chars";
    });
  });
  add(Rule::stun_no_error_reply, "unknown attribute without integrity", {integrity}, [](Scene& s) {
    return with(s, [](HostileStun& m) {
      m.unknown = 0x7123;
      m.integrity = false;
    });
  });
  add(Rule::stun_replay, "recorded checks from other addresses", {integrity}, [](Scene& s) {
    Out all;
    for (const Packet& check : s.recorded(s.alice, Scene::Kind::stun)) {
      for (const Tuple& from : {s.stranger, s.bob.setup.tuple, s.carol.setup.tuple, s.dave.setup.tuple}) {
        all.push_back({from, check});
      }
      // From the same host: a neighbour behind the same NAT.
      Tuple near = s.alice.setup.tuple;
      ++near.remote.port;
      all.push_back({near, check});
    }
    return all;
  });
  return out;
}

}  // namespace sluice::sim
