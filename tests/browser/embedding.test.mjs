// A C++ program of an operator's, built against what cmake --install made, drives a real server with real clients
// (docs/embedding.md).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { NativeClient } from './support/native_client.mjs';
import { OperatorProgram, installAndBuild } from './support/operator_program.mjs';
import { startServer } from './support/server.mjs';

// Codes of sluice::rooms::ErrorCode.
const [INVALID_PARAMS, NOT_FOUND, REFUSED, UNAVAILABLE] = [0, 1, 2, 3];
const CLOSED = 7;
const folder = mkdtempSync(join(tmpdir(), 'sluice-embedding-'));
let built;
before(() => { built = installAndBuild(folder); });
after(() => rmSync(folder, { recursive: true, force: true }));

let nextPort = 43000 + (process.pid % 200) * 4;
/** What a server of a test has beside the program's own options. */
function configuration(more = {}) {
  nextPort += 4;
  return {
    media: { port: nextPort, listen: '127.0.0.1', announced_ip: '127.0.0.1' }, workers: { count: 1 }, adminApi: { port: 0 },
    governance: { port: 0 }, store: { path: join(folder, `store-${nextPort}`) }, ...more,
  };
}
async function startProgram(options = {}) {
  const program = new OperatorProgram(built.program, [JSON.stringify({
    configuration: configuration(options.configuration), logFile: join(folder, `log-${nextPort}`), ...options.given,
  })]);
  const ready = await Promise.race([program.next((line) => line.ready), program.exited.then(() => null)]);
  assert.ok(ready, `the program ended:\n${program.log}\n${existsSync(join(folder, `log-${nextPort}`)) ? readFileSync(join(folder, `log-${nextPort}`), 'utf8') : ''}`);
  program.socketUrl = `ws://127.0.0.1:${ready.port}/`;
  program.controlSocket = ready.controlSocket;
  return program;
}
async function join_(program, roomId, displayName, metadata = {}) {
  const client = await NativeClient.connect(program);
  client.id = (await client.nextOf('connected')).peerId;
  client.send({ type: 'join', roomId, metadata: { displayName, ...metadata } });
  client.joined = await client.nextOf('room:joined');
  return client;
}
const children = (pid) => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((candidate) => {
  try {
    const stat = readFileSync(`/proc/${candidate}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
  } catch { return false; }
});
const commandOf = (pid) => { try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0].split('/').at(-1); } catch { return ''; } };
const controlOf = (program) => children(children(program.child.pid).find((pid) => commandOf(pid) === 'sluice')).find((pid) => commandOf(pid) === 'sluice-control');

test('the first program of the documentation builds, admits, refuses, welcomes and ends its server', async () => {
  nextPort += 4;
  const program = new OperatorProgram(built.first, [], {
    SLUICE_SIGNALING_PORT: '0', SLUICE_ADMINAPI_PORT: '0', SLUICE_GOVERNANCE_PORT: '0', SLUICE_MEDIA_PORT: String(nextPort),
    SLUICE_MEDIA_LISTEN: '127.0.0.1', SLUICE_WORKERS_COUNT: '1', SLUICE_STORE_PATH: join(folder, 'store-first'),
  });
  const port = /^Port (\d+)\./.exec((await program.next((line) => line.text?.startsWith('Port'))).text)[1];
  program.socketUrl = `ws://127.0.0.1:${port}/`;
  const alice = await join_(program, 'standup', 'Alice');
  const welcome = await alice.nextOf('welcome');
  assert.deepEqual([welcome.peerId, welcome.members], [alice.id, 1]);
  await program.next((line) => line.text === `${alice.id} joined standup`);
  const server = children(program.child.pid).find((pid) => commandOf(pid) === 'sluice');
  program.child.stdin.write('\n');
  assert.deepEqual(await alice.ended(), { code: 1001, reason: 'Server shutting down' });
  assert.equal((await program.exited).code, 0);
  assert.equal(commandOf(server), '', 'its server is gone');
});

test('beforeJoin admits, edits, refuses with a reason, says no, and fails closed', async () => {
  const program = await startProgram();
  const alice = await join_(program, 'r', 'Alice', { secret: 'x' });
  const joined = await program.on('peer:joined', { peer: alice.id });
  assert.deepEqual(joined.metadata, { displayName: 'Alice', seenBy: 'r' });
  for (const [name, code, message] of [['Mallory', 'JOIN_REJECTED', 'Not you'], ['Nobody', 'JOIN_REJECTED', 'Join rejected'],
    ['Trouble', 'AUTH_ERROR', 'The list of guests is lost']]) {
    const client = await NativeClient.connect(program);
    const { peerId } = await client.nextOf('connected');
    client.send({ type: 'join', roomId: 'r', metadata: { displayName: name } });
    const error = await client.nextOf('error');
    assert.deepEqual([error.code, error.message], [code, message]);
    assert.equal((await client.ended()).code, 1008);
    if (code === 'JOIN_REJECTED') assert.equal((await program.on('join:rejected', { peer: peerId })).reason, message);
    if (code === 'JOIN_REJECTED') await program.next((line) => line.peer === peerId && line.on === 'error' && line.reason === message);
  }
  // Nobody answers any more, and nobody has to.
  await program.ask('noHook');
  await join_(program, 'r', 'Mallory');
  await program.ask('close');
  await program.stop();
});

test('server, rooms and peers have the members of the contract, and events reach handlers of each', async () => {
  const program = await startProgram();
  const made = await program.ask('createRoom', { room: 'r', metadata: { topic: 'Daily' } });
  assert.deepEqual([made.id, made.metadata, made.maxPeers, made.size, made.isEmpty, made.peers], ['r', { topic: 'Daily' }, 7, 0, true, []]);
  assert.ok(Math.abs(made.createdAt - Date.now()) < 60_000);
  assert.deepEqual((await program.ask('createRoom', { room: 'r', metadata: { topic: 'Other' } })).metadata, { topic: 'Daily' });
  assert.match((await program.ask('createRoom')).id, /^[0-9a-f-]{36}$/);
  assert.equal((await program.ask('createRoom', { room: 'small', maxPeers: 2 })).maxPeers, 2);
  await assert.rejects(program.ask('createRoom', { room: ' ' }), { code: INVALID_PARAMS });
  assert.equal(await program.ask('hasRoom', { room: 'none' }), false);

  const alice = await join_(program, 'r', 'Alice');
  const bob = await join_(program, 'r', 'Bob');
  await program.next((line) => line.room === 'r' && line.on === 'peer:joined' && line.peer === bob.id && !('state' in line));
  const room = await program.ask('room', { room: 'r' });
  assert.deepEqual(room.peers, [alice.id, bob.id]);
  assert.deepEqual(room.json, { id: 'r', peerCount: 2, createdAt: made.createdAt, metadata: { topic: 'Daily' } });
  assert.deepEqual(room.state.peers[0], { id: alice.id, roomId: 'r', state: 'joined', metadata: { displayName: 'Alice', seenBy: 'r' } });
  const peer = await program.ask('peer', { peer: alice.id });
  assert.deepEqual([peer.state, peer.roomId, peer.isActive, peer.reconnectToken], ['joined', 'r', true, alice.joined.reconnectToken]);
  assert.ok(Math.abs(peer.connectedAt - Date.now()) < 60_000);
  assert.deepEqual(peer.json, room.state.peers[0]);
  const stats = await program.ask('stats');
  assert.deepEqual([stats.rooms, stats.peers], [3, 2]);
  assert.equal(stats.roomList.find((one) => one.id === 'r').peerCount, 2);

  // What members send each other, control payloads included.
  alice.send({ type: 'data', payload: { hi: [1, null] } });
  assert.deepEqual((await program.on('data', { room: 'r', from: alice.id })).body, { hi: [1, null] });
  alice.send({ type: 'data', target: bob.id, payload: 'psst' });
  assert.equal((await program.on('data', { to: bob.id })).body, 'psst');
  alice.sfu('subscribe', { producerId: 'none' });
  assert.equal((await program.on('data', { from: alice.id })).body.__sfu, 'subscribe');
  alice.send({ type: 'offer', target: bob.id, sdp: 'v=0 offer' });
  assert.deepEqual(await program.on('offer', { room: 'r' }), { room: 'r', on: 'offer', from: alice.id, to: bob.id, body: 'v=0 offer' });
  bob.send({ type: 'answer', target: alice.id, sdp: 'v=0 answer' });
  assert.equal((await program.on('answer')).body, 'v=0 answer');
  bob.send({ type: 'ice-candidate', target: alice.id, candidate: { candidate: 'c' } });
  assert.deepEqual((await program.on('ice-candidate')).body, { candidate: 'c' });
  await program.next((line) => line.peer === bob.id && line.on === 'signal' && line.type === 'answer');

  // What the program says and changes.
  await program.ask('broadcast', { room: 'r', message: { type: 'news', n: 1 }, exclude: [alice.id] });
  await program.ask('send', { peer: alice.id, message: { type: 'letter' } });
  assert.equal((await bob.nextOf('news')).n, 1);
  await alice.nextOf('letter');
  assert.ok(!alice.messages.some((message) => message.type === 'news'));
  await program.ask('roomMetadata', { room: 'r', patch: { topic: null, open: true } });
  assert.deepEqual((await alice.nextOf('room:updated')).patch, { topic: null, open: true });
  assert.deepEqual((await program.ask('room', { room: 'r' })).metadata, { topic: null, open: true });
  assert.deepEqual(await program.ask('peerMetadata', { peer: alice.id, patch: { seenBy: null, mood: 'good' } }), { displayName: 'Alice', mood: 'good' });
  assert.deepEqual((await bob.nextOf('peer:updated')).patch, { seenBy: null, mood: 'good' });
  await program.next((line) => line.room === 'r' && line.on === 'peer:updated' && line.peer === alice.id);
  await assert.rejects(program.ask('peerMetadata', { peer: alice.id, patch: { deep: {} } }), { code: INVALID_PARAMS });

  // In, out, and away.
  await program.ask('removePeer', { room: 'r', peer: alice.id });
  assert.equal((await bob.nextOf('peer:left')).peerId, alice.id);
  await program.on('peer:left', { peer: alice.id });
  assert.equal((await program.ask('peer', { peer: alice.id })).state, 'connecting');
  await assert.rejects(program.ask('removePeer', { room: 'r', peer: alice.id }), { code: NOT_FOUND });
  await program.ask('addPeer', { room: 'small', peer: alice.id });
  assert.equal((await alice.nextOf('room:joined')).roomId, 'small');
  alice.send({ type: 'data', payload: 'still heard' });
  assert.equal((await program.on('data', { room: 'small' })).body, 'still heard');
  await program.ask('closePeer', { peer: alice.id, code: 4001, reason: 'enough' });
  assert.deepEqual(await alice.ended(), { code: 4001, reason: 'enough' });
  await program.next((line) => line.peer === alice.id && line.on === 'disconnect');
  await assert.rejects(program.ask('closePeer', { peer: bob.id, code: 1005 }), { code: INVALID_PARAMS });
  await program.ask('kick', { peer: bob.id });
  assert.equal((await bob.nextOf('kicked')).reason, 'Kicked by server');
  assert.equal((await bob.ended()).code, 1008);
  await program.ask('kick', { peer: '00000000-0000-4000-8000-000000000000', reason: 'nobody' }); // does nothing
  await program.on('room:destroyed', { room: 'r' });

  // A room that somebody is put into and that will not have him.
  const stranger = await NativeClient.connect(program);
  const { peerId } = await stranger.nextOf('connected');
  await program.on('peer:connected', { peer: peerId });
  await program.ask('createRoom', { room: 'other' });
  await program.ask('peerMetadata', { peer: peerId, patch: { displayName: 'Mallory' } });
  await assert.rejects(program.ask('addPeer', { room: 'other', peer: peerId }), { code: REFUSED, message: /Not you/ });
  assert.equal((await stranger.ended()).code, 1008);

  // A handler that throws harms nobody else.
  await join_(program, 'r2', 'Clumsy');
  assert.match((await program.next((line) => line.on === 'error' && line.data)).data.message, /dropped it/);
  await program.ask('close');
  await assert.rejects(program.ask('stats'), { code: CLOSED });
  await program.stop();
});

test('control is killed: clients resume, the program follows, its hook is asked, and nobody gets in unasked', async () => {
  const program = await startProgram({ given: { reconnectTtl: 15000 } });
  const alice = await join_(program, 'r', 'Alice');
  const bob = await join_(program, 'r', 'Bob');
  const gone = await join_(program, 'r', 'Gone');
  await program.on('peer:joined', { peer: gone.id });
  process.kill(controlOf(program), 'SIGKILL');
  await program.on('connection:lost');
  // Asked in the gap: waits for the successor.
  assert.equal((await program.ask('counts')).rooms, 1);
  const early = await NativeClient.connect(program).catch(() => null);
  if (early !== null) early.send({ type: 'join', roomId: 'r', metadata: { displayName: 'Mallory' } });
  assert.ok((await program.ask('stats')).rooms === 1);
  await program.on('connection:restored');
  if (early !== null) assert.equal((await early.nextOf('error')).message, 'Not you');
  const again = await NativeClient.connect(program);
  again.send({ type: 'reconnect', token: alice.joined.reconnectToken, roomId: 'r' });
  assert.equal((await again.nextOf('room:state')).peerId, alice.id);
  await program.on('peer:reconnected', { peer: alice.id });
  await program.next((line) => line.peer === alice.id && line.on === 'reconnected');
  assert.equal((await program.ask('peer', { peer: bob.id })).state, 'reconnecting');
  assert.deepEqual((await program.ask('room', { room: 'r' })).peers, [alice.id, bob.id, gone.id]);
  const carol = await join_(program, 'r', 'Carol');
  await program.on('peer:joined', { peer: carol.id });
  again.send({ type: 'data', payload: 'after' });
  assert.equal((await program.on('data', { from: alice.id })).body, 'after');
  await program.ask('close');
  assert.equal((await again.ended()).code, 1001);
  assert.equal((await carol.ended()).code, 1001);
  await program.stop();
});

test('a server with a name outlives its program, and the next one finds it; joins wait for who answers them', async () => {
  const controlSocket = join(folder, 'named.sock');
  const first = await startProgram({ given: { controlSocket } });
  const alice = await join_(first, 'r', 'Alice');
  await first.on('peer:joined', { peer: alice.id });
  first.child.kill('SIGKILL');
  await first.exited;
  const late = await NativeClient.connect(first);
  late.send({ type: 'join', roomId: 'r', metadata: { displayName: 'Late' } });
  const second = await startProgram({ given: { controlSocket } });
  assert.equal(second.socketUrl, first.socketUrl);
  const joined = await late.nextOf('room:joined');
  assert.deepEqual(joined.peers.map((peer) => peer.id), [alice.id]);
  await second.on('peer:joined', { peer: joined.peerId });
  assert.deepEqual((await second.ask('room', { room: 'r' })).peers, [alice.id, joined.peerId]);
  await second.ask('close');
  assert.equal((await alice.ended()).code, 1001);
  await second.stop();
});

test('a server started anew, or running before listen(), has the modules of its program', async (context) => {
  // Attaches a policy of the secret argv[3] to the server at argv[1], argv[2] (before or after) it listens.
  const source = join(folder, 'follower.cpp');
  writeFileSync(source, `#include <sluice/sluice.hpp>
    #include <iostream>
    using namespace sluice::rooms;
    int main(int, char** argv) {
      SignalingServer server({.controlSocket = argv[1]});
      PolicyEngine policy({.secret = argv[3], .required = true});
      server.on("connection:restored", [] { std::cout << "restored" << std::endl; });
      server.on("error", [](const Event& event) { std::cout << event.data.dump() << std::endl; });
      if (argv[2] == std::string("before")) policy.attach(server);
      server.listen();
      policy.attach(server);
      std::cout << "ready" << std::endl;
      std::cin.get();
    }`);
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'sluice'], {
    encoding: 'utf8', env: { ...process.env, PKG_CONFIG_PATH: join(built.prefix, 'lib/pkgconfig') } }).trim().split(/\s+/);
  const follower = join(folder, 'follower');
  execFileSync('g++', ['-std=c++20', source, '-o', follower, ...flags, `-Wl,-rpath,${join(built.prefix, 'lib')}`]);
  const controlSocket = join(folder, 'followed.sock');
  const options = { 'control-socket': controlSocket, 'governance.port': 0 };
  const follow = async (when, secret = 'a policy secret') => {
    const program = new OperatorProgram(follower, [controlSocket, when, secret]);
    context.after(() => program.child.kill('SIGKILL'));
    await program.next((line) => line.text === 'ready');
    return program;
  };
  const start = async () => {
    const started = await startServer(options);
    context.after(() => started.stop());
    return started;
  };
  const refused = async (server) => {
    const client = await NativeClient.connect(server);
    client.send({ type: 'join', roomId: 'r', metadata: { displayName: 'Mallory' } });
    assert.equal((await client.nextOf('error')).message, 'A valid policy token is required to join this room');
    client.close();
  };
  let server = await start();
  const program = await follow('after');
  await refused(server);
  // The server as a whole: nothing of it is left, but the program is.
  await server.stop();
  server = await start();
  await program.next((line) => line.text === 'restored');
  await refused(server);
  await program.stop();
  // Another policy is not obeyed, and the program hears so.
  const other = await follow('before', 'another secret');
  const problem = await other.next((line) => line.module === 'policyEngine');
  assert.match(problem.message, /^The module 'policyEngine' is not attached: .*another 'secret'/);
  await other.stop();
  await server.stop();
  server = await start();
  const early = await follow('before');
  await refused(server);
  await early.stop();
  await server.stop();
});

test('pkg-config knows the library', () => {
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'sluice'], {
    encoding: 'utf8', env: { ...process.env, PKG_CONFIG_PATH: join(built.prefix, 'lib/pkgconfig') } });
  assert.match(flags, /-lsluice/);
  const names = execFileSync('nm', ['-D', '--defined-only', '-C', join(built.prefix, 'lib/libsluice.so')], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const strange = names.split('\n').filter((line) => / [TWVB] (?:(?:vtable|typeinfo|typeinfo name) for )?sluice::(?!rooms::)/.test(line));
  assert.deepEqual(strange, [], 'nothing of the server is visible');
});

test('every module is attached while members are there, and asked; control is killed and they are still there', async () => {
  const program = new OperatorProgram(built.modules, [JSON.stringify(configuration()), join(folder, 'log-modules')]);
  const { before: pure } = await program.next((line) => 'before' in line);
  assert.deepEqual([pure.policy.sub, pure.policy.roomId, pure.policy.caps], ['alice', 'r', ['publish', 'subscribe', 'data']]);
  assert.equal(pure.forged, 'Invalid signature');
  assert.deepEqual(pure.policyStats, { required: false, issuer: 'webrtc-rooms', defaultCaps: ['subscribe', 'data'] });
  assert.deepEqual(pure.claims, { valid: true, room: 'r', sub: 'alice', canPublish: false, meta: { team: 7 } });
  assert.deepEqual([pure.badSecret, pure.turn, pure.turnForged, pure.turnTtl], [false, true, false, 600]);
  assert.deepEqual([pure.unknownCap, pure.badTree], [INVALID_PARAMS, INVALID_PARAMS]);
  assert.deepEqual([pure.unattached, pure.notRunning], [UNAVAILABLE, UNAVAILABLE]);
  assert.deepEqual([pure.flagRoom, pure.flagElsewhere, pure.tree, pure.tagged], [false, true, 8, { a: 1, __region: 'eu' }]);
  program.socketUrl = `ws://127.0.0.1:${(await program.next((line) => line.ready)).port}/`;

  // Alice was there before everything.
  const alice = await join_(program, 'r', 'Alice');
  const bob = await join_(program, 'r', 'Bob');
  assert.equal(alice.joined.reconnectToken, undefined);
  alice.sfu('publish', { kind: 'audio' });
  await alice.nextOf('sfu:published');
  program.child.stdin.write('attach\n');
  const { attach } = await program.next((line) => 'attach' in line);
  assert.equal(attach.inits, 1);
  assert.deepEqual([attach.other, attach.unknown, attach.badOption, attach.notBuilt, attach.region],
    [REFUSED, INVALID_PARAMS, INVALID_PARAMS, UNAVAILABLE, REFUSED]);
  for (const key of ['policyEngine', 'auditLogger', 'sessionManager', 'webhooks', 'consentFlow', 'retentionPolicy'])
    assert.ok(attach.list.includes(key), key);
  // She is told what a joiner would have been told, and may what one without a token may.
  const defaults = await bob.next((message) => message.type === 'peer:updated' && message.peerId === alice.id);
  assert.deepEqual(defaults.patch, { __caps: ['subscribe', 'data'], __role: 'viewer' });
  assert.deepEqual((await alice.nextOf('consent:required')).types, ['recording']);
  const { token } = await alice.nextOf('session:token');
  assert.equal((await alice.nextOf('sfu:transport:created')).sendTransport.id, `s-${alice.id}`);
  await program.next((line) => line.sfuPeer === alice.id);
  alice.sfu('publish', { kind: 'video' });
  assert.equal((await alice.nextOf('error')).code, 'POLICY_DENIED');
  alice.send({ type: 'data', payload: { __consent: 'grant', types: ['recording'] } });
  await alice.nextOf('consent:confirmed');
  await program.next((line) => line.granted === alice.id);
  alice.send({ type: 'data', payload: { __consent: 'withdraw', types: ['recording'] } });
  await alice.nextOf('consent:withdrawn');

  program.child.stdin.write('ask\n');
  const { ask } = await program.next((line) => 'ask' in line, 60_000);
  const expected = {
    caps: ['subscribe', 'data'], hasCap: true, mute: true, muted: true, unmute: true, warn: true, warnNobody: false, lock: true, locked: true,
    unlock: true, moderationLog: 5, limiterBans: '192.0.2.7', limiterBansAfter: 0, banned: true, bannedAfter: false, threatStats: true,
    audited: 'test', consentBefore: false, consent: ['recording'], roomConsent: false, consents: 1, noConsent: false, consentStats: 1,
    region: 'us', allowed: [true, false], residency: 'eu', held: { purged: 0, held: 1 }, records: 1, expiring: 0, dry: { purged: 0, held: 0, skipped: 1 },
    erased: { purged: 1, held: 0 }, anonymised: 0, retention: 0, keys: 0, noKey: false, keyStats: 0, recorded: 'note', since: false,
    roomEvents: 'note', replayed: true, seq: true, load: 'normal', snapshot: 1, roomSnapshot: true, noRoomSnapshot: false, allRooms: 1,
    prometheus: true, service: 'operator', healthy: true, span: 'broke', spanTwice: NOT_FOUND, trace: 32, tracer: true, alert: true,
    alertAgain: false, recent: 'mine', session: 'active', noSession: false, enqueue: false, sessions: 2, noExpire: false, noMigrate: false,
    sfu: true, producers: 1, consumers: 0, bitrate: 0, force: false, speaker: NOT_FOUND, letters: 0, webhooks: true, simulcast: [true, false], books: true,
  };
  assert.deepEqual(ask, expected);
  assert.deepEqual((await alice.nextOf('mod:warned')).reason, 'careful');
  // The callables.
  await program.next((line) => line.entry === 'operator:note');
  await program.next((line) => line.exported === 'operator.work');
  await program.next((line) => line.alert === 'mine');
  await program.next((line) => line.purge === 'carl');
  await program.next((line) => line.expired === 'x');
  const hostile = await join_(program, 'r', 'Eve');
  hostile.send({ type: 'metadata', patch: { long: 'x'.repeat(100) } });
  await program.next((line) => line.threat === 'metadata_poisoning');
  assert.equal((await hostile.ended()).code, 1008);
  const cursed = await join_(program, 'cursed', 'Carl');
  await program.next((line) => line.sfuError === 'no ports left');
  cursed.close();

  program.child.stdin.write('configure\n');
  const { configure } = await program.next((line) => 'configure' in line);
  assert.deepEqual(configure, { restart: [], value: 12, all: true, bad: INVALID_PARAMS, unset: [true, false], flags: [true, false, false],
    resolved: false, cleared: true, flagStats: 1 });
  await program.next((line) => line.changed === 'signaling.maxPeersPerRoom');
  await program.next((line) => line.flag === 'beta');

  // A successor of control has what was attached: the token of a module attached at run time resumes, the policy still holds.
  process.kill(controlOf(program), 'SIGKILL');
  await alice.ended();
  let again;
  while (again === undefined) {
    again = await NativeClient.connect(program).catch(() => new Promise((resolve) => { setTimeout(resolve, 50); }));
  }
  again.send({ type: 'reconnect', token, roomId: 'r' });
  assert.equal((await again.nextOf('room:state')).peerId, alice.id);
  const dave = await join_(program, 'r', 'Dave');
  dave.sfu('publish', { kind: 'audio' });
  assert.equal((await dave.nextOf('error')).code, 'POLICY_DENIED');
  const carol = await join_(program, 'r', 'Carol', { policyToken: pure.token });
  carol.sfu('publish', { kind: 'audio' });
  await carol.nextOf('sfu:published');
  const bad = await NativeClient.connect(program);
  bad.send({ type: 'join', roomId: 'r', metadata: { policyToken: `${pure.token}x` } });
  assert.equal((await bad.nextOf('error')).message, 'Policy token rejected: Invalid signature');
  await program.next((line) => line.violation === 'POLICY_INVALID');
  program.child.stdin.write('caps\n');
  assert.deepEqual((await program.next((line) => 'caps' in line && 'list' in line)).list, attach.list);
  program.child.stdin.write('close\n');
  assert.equal((await again.ended()).code, 1001);
  await program.next((line) => line.close, 60_000);
  await program.stop();
});
