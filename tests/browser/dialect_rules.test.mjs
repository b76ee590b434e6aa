// What operators have over native rooms holds for every other dialect, said in that dialect's own terms: bans, kicks, listing,
// audit, figures, hooks, policy, limits, load. One table, the real server, clients by hand.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { appToken } from './support/wrtc_signal.mjs';
import { roomOf } from './support/admin.mjs';
import { controlClient } from './support/control_client.mjs';
import { dialectMembers } from './support/dialect_members.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

// What its clients are told: when an address is banned at the door and inside, a kick, a refusal with a reason, and, where it differs,
// no policy token at all.
const closedForGood = [4000, 'closed by protoo-server'];
const dialects = {
  protoo: { core: 'protoo:', overloaded: [503, 'JOIN_REJECTED: Server overloaded'], door: closedForGood, put_out: closedForGood, kicked: closedForGood, refusal: (reason) => [403, `JOIN_REJECTED: ${reason}`] },
  partyRooms: { core: 'partyRooms:', door: [1008, 'Banned'], put_out: [1008, 'Banned'], kicked: [1008, 'enough'], refusal: (reason) => [1008, reason] },
  rtcio: { core: 'rtcio:', door: ['connect_error', 'Banned'], put_out: ['io server disconnect'], kicked: ['io server disconnect'], refusal: (reason) => ['rejected', reason] },
  wrtcSignal: { core: 'wrtcSignal:', door: ['connect_error', 'Banned'], put_out: ['io server disconnect'], kicked: ['io server disconnect'], refusal: (reason) => ['room-create-reject', reason], talks: 'negotiation' },
  whip: { core: '', overloaded: [503, 'Server overloaded'], door: [403, 'Banned'], put_out: ['session', 404], kicked: ['session', 404], refusal: (reason) => [403, reason], without_token: (reason) => [401, reason], talks: 'nothing' },
};
const POLICY_SECRET = 'a policy secret';
const common = { 'signaling.trustProxy': true, 'dialects.wrtcSignal.appSecret': 's3cr3t', 'dialects.wrtcSignal.appPass': 'pass', 'governance.port': 0 };

let folder;
let open; // anybody may come in, unless the hook says no
let strict; // policy tokens are required
let hook;
let app;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-rules-'));
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(JSON.parse(body).roomId.endsWith('closed') ? { allow: false, reason: 'not today' } : { allow: true }));
    });
  });
  await new Promise((resolve) => { hook.listen(0, '127.0.0.1', resolve); });
  open = await startServer({ ...common, 'control.socket': join(folder, 'open.sock'), 'signaling.beforeJoinUrl': `http://127.0.0.1:${hook.address().port}/`,
    auditLogger: true, 'threatDetector.thresholds': '{maxPayloadBytes: 2000, maxSignalsPerSecPerPeer: 1000, maxSignalsPerMinPerPeer: 10000, maxSdpPerMinPerPeer: 1000, maxDataMsgPerSecPerPeer: 1000}', 'rateLimiter.maxMsgPerSec': 20, 'rateLimiter.maxConnPerMin': 1000 });
  open.operator = controlClient(join(folder, 'open.sock'));
  strict = await startServer({ ...common, 'control.socket': join(folder, 'strict.sock'), 'policyEngine.secret': POLICY_SECRET, 'policyEngine.required': true });
  app = await appToken(open.url, 'demo', 'pass');
});
after(async () => {
  open?.operator.close();
  if (open) await stopCleanly(open);
  if (strict) await stopCleanly(strict);
  hook?.closeAllConnections();
  hook?.close();
  rmSync(folder, { recursive: true, force: true });
});

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
let lastAddress = 0;
const address = () => `198.51.100.${lastAddress += 1}`;
const enter = (name, server, options) => dialectMembers[name](server, { from: address(), appToken: app, ...options });
async function admitted(name, server, options) {
  const member = await enter(name, server, options);
  assert.equal(member.refused, undefined, `${name}: ${JSON.stringify(member.refused)}`);
  return member;
}
const refused = async (name, server, options) => {
  const answer = await enter(name, server, options);
  assert.notEqual(answer.refused, undefined, `${name} was let in`);
  return answer.refused;
};
function policyToken(room, caps = ['publish', 'subscribe', 'data'], more = {}, secret = POLICY_SECRET) {
  const body = Buffer.from(JSON.stringify({ iss: 'webrtc-rooms', sub: 'user', roomId: room, role: 'host', caps, expiresAt: Date.now() + 60_000, ...more })).toString('base64url');
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

for (const [name, terms] of Object.entries(dialects)) {
  test(`${name}: a join is listed, audited and counted, and an operator can end it`, { timeout: 30_000 }, async () => {
    const joins = await open.metric('sluice_dialect_joins_total', `dialect="${name}"`);
    const from = address();
    const member = await admitted(name, open, { room: 'listed', from });
    const room = await roomOf(open, `${terms.core}listed`);
    assert.equal(room.peers.length, 1);
    const [{ id }] = room.peers;
    const peer = await open.operator.ask('peers.get', { peerId: id });
    assert.deepEqual([peer.dialect, peer.ip], [name, from]);
    assert.equal(await open.metric('sluice_dialect_joins_total', `dialect="${name}"`), joins + 1);
    assert.equal(await open.metric('sluice_dialect_peers', `dialect="${name}"`), 1);
    const { entries } = await open.operator.ask('audit.query', { event: 'peer:joined', peerId: id });
    assert.deepEqual(entries.map(({ roomId, ip }) => [roomId, ip]), [[`${terms.core}listed`, from]]);
    await open.operator.ask('peers.kick', { peerId: id, reason: 'enough' });
    assert.deepEqual(await member.ended, terms.kicked);
    assert.equal(await roomOf(open, `${terms.core}listed`), null);
    assert.equal((await open.operator.ask('audit.query', { event: 'peer:kicked', peerId: id })).entries.length, 1);
  });

  test(`${name}: a ban holds at the door and puts out who is inside`, { timeout: 30_000 }, async () => {
    const from = address();
    const member = await admitted(name, open, { room: 'banned', from });
    await open.operator.ask('bans.add', { ip: from });
    assert.deepEqual(await member.ended, terms.put_out);
    assert.deepEqual(await refused(name, open, { room: 'banned', from }), terms.door);
    (await admitted(name, open, { room: 'banned' })).leave();
    await open.operator.ask('bans.remove', { ip: from });
    (await admitted(name, open, { room: 'banned', from })).leave();
  });

  test(`${name}: the hook beforeJoin decides`, { timeout: 30_000 }, async () => {
    const reason = 'not today';
    assert.deepEqual(await refused(name, open, { room: 'closed' }), (terms.without_token ?? terms.refusal)(reason));
    assert.equal(await roomOf(open, `${terms.core}closed`), null);
  });

  test(`${name}: a policy token is required, and judged`, { timeout: 30_000 }, async () => {
    const room = `${terms.core}policy`;
    const bad = {
      'none at all': [undefined, 'A valid policy token is required to join this room'],
      'another key': [policyToken(room, undefined, {}, 'another secret'), /^Policy token rejected/],
      expired: [policyToken(room, undefined, { expiresAt: Date.now() - 1 }), /^Policy token rejected/],
      'another room': [policyToken('elsewhere'), `This token is not valid for room "${room}"`],
    };
    for (const [what, [token, reason]] of Object.entries(bad)) {
      const answer = await refused(name, strict, { room: 'policy', token });
      const told = answer.at(-1);
      if (reason instanceof RegExp) assert.match(told.replace('JOIN_REJECTED: ', ''), reason, what);
      const expected = (token === undefined && terms.without_token ? terms.without_token : terms.refusal)(reason instanceof RegExp ? told.replace('JOIN_REJECTED: ', '') : reason);
      assert.deepEqual(answer, expected, what);
    }
    const member = await admitted(name, strict, { room: 'policy', token: policyToken(room) });
    const [peer] = (await roomOf(strict, room)).peers;
    assert.equal(peer.metadata.policyToken, undefined, 'nobody sees the token');
    assert.deepEqual([peer.metadata.__role, peer.metadata.__sub], ['host', 'user']);
    member.leave();
  });

  if (terms.talks !== 'nothing') {
    test(`${name}: what is too much or too large is dropped or ends the connection`, { timeout: 30_000 }, async () => {
      const [a, b] = [await admitted(name, open, { room: 'talk' }), await admitted(name, open, { room: 'talk' })];
      await pause(1100); // a new second for the limiter
      const dropped = await open.metric('sluice_guard_messages_dropped_total');
      for (let i = 0; i < 60; ++i) a.say(`text ${i}`);
      await pause(300);
      assert.ok(b.said.length >= 10 && b.said.length <= 40, `${b.said.length} of 60 came`);
      assert.deepEqual(b.said, Array.from(b.said, (_, i) => `text ${i}`), 'the first ones, in order');
      assert.ok(await open.metric('sluice_guard_messages_dropped_total') >= dropped + 20);
      if (terms.talks === undefined) {
        await pause(1100);
        a.say('x'.repeat(3000));
        assert.deepEqual(await a.ended, terms.kicked.length === 2 && terms.kicked[1] === 'enough' ? [1008, 'Payload too large'] : terms.kicked);
      }
      b.leave();
      a.leave();
    });
  }

  if (terms.talks === undefined) {
    test(`${name}: who lacks the capability "data" is not heard`, { timeout: 30_000 }, async () => {
      const room = `${terms.core}quiet`;
      const mute = await admitted(name, strict, { room: 'quiet', token: policyToken(room, ['subscribe']) });
      const loud = await admitted(name, strict, { room: 'quiet', token: policyToken(room) });
      mute.say('nobody hears this');
      loud.say('everybody hears this');
      for (let i = 0; i < 100 && mute.said.length === 0; ++i) await pause(20);
      assert.deepEqual(mute.said, ['everybody hears this']);
      assert.deepEqual(loud.said, []);
      mute.leave();
      loud.leave();
    });
  }
}

test('whip: the capability "publish" is needed', { timeout: 30_000 }, async () => {
  assert.deepEqual(await refused('whip', strict, { room: 'viewers', token: policyToken('viewers', ['subscribe']) }), [403, 'publishing is not allowed']);
  assert.equal(await roomOf(strict, 'viewers'), null);
});

test('an overloaded server turns newcomers of every dialect away', { timeout: 60_000 }, async () => {
  const server = await startServer({ ...common, 'control.socket': join(folder, 'load.sock'), 'backpressure.maxPeers': 4, 'backpressure.sampleIntervalMs': 100,
    'backpressure.enableLoadShedding': false });
  try {
    const inside = [];
    for (let i = 0; i < 4; ++i) inside.push(await admitted('partyRooms', server, { room: 'full' }));
    await pause(500);
    for (const [name, terms] of Object.entries(dialects)) {
      const answer = await refused(name, server, { room: 'late' });
      assert.deepEqual(answer, terms.overloaded ?? terms.refusal('Server overloaded'), name);
    }
    for (const member of inside) member.leave();
  } finally {
    await stopCleanly(server);
  }
});
