// node control_load.mjs [--kills 100] [--people 8] [--rooms 2]: the control process is killed at random moments while people
// join, leave, change their metadata, grant and withdraw consents, are kicked and banned, and a moderator mutes and unmutes them
// and locks and unlocks their rooms. Then:
// - whatever was acknowledged is there: in the room, in the audit log, in force;
// - every mute, lock and consent that was acknowledged holds as it was said last, and none was done twice;
// - nobody has seen an event twice or out of order, or missed one (lastSeenSeq and replay);
// - everybody came back under its own identity, by reconnect token or session token;
// - the hash chain of the audit log is whole.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { connect as connectSocket } from 'node:net';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { roomOf } from '../browser/support/admin.mjs';
import { ProtocolClient } from '../browser/support/protocol_client.mjs';
import { binariesOfTests, startServer } from '../browser/support/server.mjs';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '100' }, people: { type: 'string', default: '8' }, rooms: { type: 'string', default: '2' } } });
const [KILLS, PEOPLE, ROOMS] = [values.kills, values.people, values.rooms].map(Number);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sluice = join(binariesOfTests, 'sluice');
const known = spawnSync(sluice, ['serve', '--help'], { encoding: 'utf8' }).stdout;
const hasConsent = known.includes('consentFlow.required');

const folder = mkdtempSync(join(tmpdir(), 'sluice-control-load-'));
chmodSync(folder, 0o755);
writeFileSync(join(folder, 'key'), 'chain key');
const server = await startServer({
  'sessionManager.reconnectTtl': 30000, eventReplay: true, 'store.path': join(folder, 'store'), 'signaling.trustProxy': true,
  'auditLogger.filePath': join(folder, 'audit', 'audit.ndjson'), 'auditLogger.chainKey': 'chain key', 'auditLogger.maxFileSizeBytes': 100000,
  'threatDetector.thresholds': '{maxConnPerMinPerIp: 3, maxSignalsPerSecPerPeer: 1000, maxSignalsPerMinPerPeer: 100000, maxDataMsgPerSecPerPeer: 1000}',
  'control.socket': join(folder, 'control.sock'), 'moderationBus.allowSelfUnmute': false,
  ...(hasConsent ? { 'consentFlow.consentTimeoutMs': 0 } : {}),
}, { junk: false });

let killing = true;
const acknowledged = { joins: new Set(), kicks: new Map(), bans: new Set(), };

/** One call over the control socket, on a connection of its own. Fails when control dies meanwhile. */
function call(method, params) {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(join(folder, 'control.sock'));
    let text = '';
    const fail = (error) => { socket.destroy(); reject(error instanceof Error ? error : new Error('the socket closed')); };
    socket.setTimeout(5000, fail);
    socket.on('error', fail);
    socket.on('close', fail);
    socket.on('data', (chunk) => {
      text += chunk;
      if (!text.includes('\n')) return;
      const { result, error } = JSON.parse(text.split('\n')[0]);
      socket.removeAllListeners('close');
      socket.destroy();
      if (error) reject(Object.assign(new Error(error.message), { answered: true }));
      else resolve(result);
    });
    socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}\n`);
  });
}

/** A state that is set again and again: what was acknowledged last holds, or what was asked for after it without an answer. */
class Claim {
  constructor(initial) { this.possible = [initial]; }
  asked(value) { this.possible.push(value); }
  acknowledged(value) { this.possible = [value]; }
  allows(value) { return this.possible.some((one) => String(one) === String(value)); }
}

/** Mutes, unmutes, locks and unlocks, each under a reason of its own. */
class Moderator {
  mutes = new Map(); // peer id -> Claim
  locks = new Map(); // room -> Claim
  acknowledged = new Set(); // reasons
  unanswered = new Set();
  #n = 0;

  async #do(method, params, claim, value) {
    const reason = `act-${++this.#n}`;
    claim.asked(value);
    try {
      await call(method, { ...params, reason });
      claim.acknowledged(value);
      this.acknowledged.add(reason);
    } catch (error) {
      if (error.answered) throw error;
      this.unanswered.add(reason);
      await pause(20);
    }
  }
  async live(everybody) {
    while (killing) {
      const { id, room } = everybody[Math.floor(Math.random() * everybody.length)];
      const mute = this.mutes.get(id) ?? this.mutes.set(id, new Claim(false)).get(id);
      const muted = Math.random() < 0.5;
      await this.#do(muted ? 'moderation.mute' : 'moderation.unmute', { roomId: room, targetId: id }, mute, muted);
      const lock = this.locks.get(room) ?? this.locks.set(room, new Claim(false)).get(room);
      const locked = Math.random() < 0.25;
      await this.#do(locked ? 'moderation.lock' : 'moderation.unlock', { roomId: room }, lock, locked);
      await pause(Math.random() * 40);
    }
  }
  /** Against what the server holds, and what it says was done. */
  async check(rooms) {
    const { entries } = await call('moderation.log', { limit: 10_000 });
    assert.ok(entries.length < 10_000, 'the whole log');
    const times = (reason) => entries.filter((entry) => entry.reason === reason).length;
    for (const reason of this.acknowledged) assert.equal(times(reason), 1, `${reason} was done once`);
    for (const reason of this.unanswered) assert.ok(times(reason) <= 1, `${reason} was done once or not at all`);
    for (const room of rooms) {
      const state = await call('moderation.state', { roomId: room });
      assert.ok((this.locks.get(room) ?? new Claim(false)).allows(state.locked), `the lock of ${room}: ${state.locked}`);
      for (const [id, claim] of this.mutes) {
        if (people.find((person) => person.id === id).room === room) assert.ok(claim.allows(state.muted.includes(id)), `the mute of ${id}`);
      }
    }
  }
}

/** Somebody who comes back by itself and remembers what it saw. */
class Person {
  id = null;
  tokens = {};
  n = 0; // of the last change asked for
  confirmed = 0; // of the last one answered
  lastSeq = -1;
  seen = new Map(); // peer id -> numbers of its changes, in the order seen
  faults = [];
  resumes = 0;
  bySession = 0;
  consent = new Claim('');
  grants = { acknowledged: 0, asked: 0 };
  withdrawals = { acknowledged: 0, asked: 0 };
  #client = null;

  constructor(room, name) { Object.assign(this, { room, name }); }

  /** A broadcast, live or replayed, with its number. */
  #saw(seq, type, body) {
    if (seq <= this.lastSeq) this.faults.push(`${this.name} got ${type} number ${seq} after ${this.lastSeq}`);
    this.lastSeq = Math.max(this.lastSeq, seq);
    if (type === 'peer:updated' && body.patch.n !== undefined) this.seen.set(body.peerId, [...(this.seen.get(body.peerId) ?? []), body.patch.n]);
  }
  #read(message) {
    if (message.__seq !== undefined) this.#saw(message.__seq, message.type, message);
    if (message.type === 'replay:event') this.#saw(message.seq, message.event, message.payload);
    if (message.type === 'replay:start' && message.gap) this.faults.push(`${this.name} has a gap: ${JSON.stringify(message)}`);
    if (message.type === 'session:token') this.tokens.session = message.token;
    if (message.type === 'error') this.faults.push(`${this.name}: ${JSON.stringify(message)}`);
    return message;
  }
  async #next(type) {
    for (;;) {
      const message = this.#read(await this.#client.next());
      if (type === undefined || message.type === type) return message;
    }
  }
  /** Reads what has come. */
  #drain() { while (this.#client.raw.length > 0) this.#read(JSON.parse(this.#client.raw.shift())); }

  async enter() {
    for (;;) {
      try {
        const client = this.#client = new ProtocolClient(server.socketUrl);
        await client.opened;
        await client.next('connected');
        const resuming = this.tokens.reconnect !== undefined;
        // Every other time by the session token, if there is one that belongs to the last resume.
        const bySession = resuming && this.tokens.session !== undefined && this.resumes % 2 === 1;
        client.send(resuming
          ? { type: 'reconnect', token: bySession ? this.tokens.session : this.tokens.reconnect, roomId: this.room, lastSeenSeq: this.lastSeq }
          : { type: 'join', roomId: this.room, metadata: { name: this.name } });
        const state = await this.#next(resuming ? 'room:state' : 'room:joined');
        if (resuming && state.peerId !== this.id) this.faults.push(`${this.name} became ${state.peerId}`);
        this.id = state.peerId;
        this.tokens = { reconnect: state.reconnectToken };
        if (resuming) {
          ++this.resumes;
          if (bySession) ++this.bySession;
          await this.#next('replay:end');
        } else {
          acknowledged.joins.add(this.id);
          this.lastSeq = 0; // what was before its joining is not its business
        }
        await this.#next('session:token');
        return;
      } catch (error) {
        if (!/socket|ECONN|closed|hang up|Unexpected server response/i.test(String(error))) throw error;
        await pause(20 + Math.random() * 60);
      }
    }
  }
  async live() {
    while (killing) {
      try {
        if (!this.#client?.isOpen) await this.enter();
        const n = ++this.n;
        this.#client.send({ type: 'metadata', patch: { n } });
        await this.#next('metadata:updated');
        this.confirmed = n;
        if (hasConsent && n % 3 === 0) {
          const grants = Math.random() < 0.6;
          const count = grants ? this.grants : this.withdrawals;
          this.consent.asked(grants ? 'recording' : '');
          ++count.asked;
          this.#client.data({ __consent: grants ? 'grant' : 'withdraw', types: ['recording'] });
          await this.#next(grants ? 'consent:confirmed' : 'consent:withdrawn');
          this.consent.acknowledged(grants ? 'recording' : '');
          ++count.acknowledged;
        }
        await pause(Math.random() * 20);
      } catch (error) {
        if (!/socket|closed|did not come|ECONN/i.test(String(error))) throw error;
        await pause(20);
      }
    }
  }
  async settle() {
    for (;;) {
      if (!this.#client?.isOpen) await this.enter();
      try {
        this.#client.send({ type: 'metadata', patch: { done: true } });
        await this.#next('metadata:updated');
        await pause(300);
        this.#drain();
        if (this.#client.isOpen) return;
      } catch { await pause(20); }
    }
  }
}

/** Visitors come, and leave or are kicked; an answer to the kick says that it is on record. */
async function visit(number) {
  while (killing) {
    try {
      const client = new ProtocolClient(server.socketUrl);
      await client.opened;
      await client.next('connected');
      const { peerId } = await client.join(`room-${number % ROOMS}`, { name: 'visitor' });
      acknowledged.joins.add(peerId);
      if (Math.random() < 0.5) {
        const reason = `reason-${peerId}`;
        const answer = await fetch(`${server.adminUrl}/admin/peers/${peerId}?reason=${reason}`, { method: 'DELETE' });
        if (answer.status === 200) acknowledged.kicks.set(peerId, reason);
        else assert.ok([404, 503].includes(answer.status), String(answer.status));
      } else {
        client.send({ type: 'leave' });
      }
      await client.close();
    } catch { /* killed meanwhile */ }
    await pause(10 + Math.random() * 40);
  }
}
let addresses = 0;
async function flood() {
  while (killing) {
    const ip = `198.51.${100 + (addresses >> 8)}.${addresses++ & 255}`;
    try {
      for (let i = 0; i < 8; ++i) {
        const client = new ProtocolClient(server.socketUrl, { headers: { 'x-forwarded-for': ip } });
        await client.opened;
        const { reason } = await Promise.race([client.closed, client.next().then(() => ({ reason: '' }), () => ({ reason: '' }))]);
        client.close();
        if (reason === 'Too many connections') { acknowledged.bans.add(ip); break; }
      }
    } catch { /* killed meanwhile */ }
    await pause(100 + Math.random() * 100);
  }
}

const people = Array.from({ length: PEOPLE }, (_, i) => new Person(`room-${i % ROOMS}`, `p${i}`));
for (const person of people) await person.enter();
const moderator = new Moderator();
const living = [...people.map((person) => person.live()), visit(0), visit(1), flood(), moderator.live(people)];
let kills = 0;
while (kills < KILLS) {
  await pause(50 + Math.random() * 900);
  const pid = server.pidOf('sluice-control');
  if (pid === undefined) continue;
  process.kill(pid, 'SIGKILL');
  ++kills;
  while ([pid, undefined].includes(server.pidOf('sluice-control'))) await pause(10);
  // Some deaths come right after the start, in the middle of restoring; most when people are back.
  if (Math.random() < 0.8) await pause(500);
}
await pause(1500);
killing = false;
await Promise.all(living);
for (const person of people) await person.settle();

try {
  for (const person of people) {
    assert.deepEqual(person.faults, [], server.log().slice(-3000));
    const room = await roomOf(server, person.room);
    const own = room.peers.find((peer) => peer.id === person.id);
    assert.ok(own, `${person.name} is in its room`);
    assert.ok(own.metadata.n >= person.confirmed, `${person.name}: ${own.metadata.n} of ${person.confirmed}`);
    assert.equal(room.peers.some((peer) => acknowledged.kicks.has(peer.id)), false, 'who was kicked is gone');
    for (const other of people.filter((one) => one !== person && one.room === person.room)) {
      const numbers = person.seen.get(other.id) ?? [];
      for (let i = 1; i < numbers.length; ++i) assert.ok(numbers[i] > numbers[i - 1], `${person.name} saw ${other.name} ${numbers[i]} after ${numbers[i - 1]}`);
      assert.ok((numbers.at(-1) ?? 0) >= other.confirmed, `${person.name} saw ${numbers.at(-1)} of ${other.name}'s ${other.confirmed}`);
    }
  }
  await moderator.check([...new Set(people.map((person) => person.room))]);
  if (hasConsent) {
    for (const room of new Set(people.map((person) => person.room))) {
      const { records } = await call('consent.list', { roomId: room });
      for (const person of people.filter((one) => one.room === room)) {
        const types = (records.find((record) => record.peerId === person.id)?.types ?? []).join();
        assert.ok(person.consent.allows(types), `${person.name} consented to '${types}', may be ${JSON.stringify(person.consent.possible)}`);
      }
    }
  }
  for (const ip of acknowledged.bans) {
    const client = new ProtocolClient(server.socketUrl, { headers: { 'x-forwarded-for': ip } });
    assert.deepEqual(await client.closed, { code: 1008, reason: 'Banned' }, ip);
  }
  assert.equal(await server.metric('sluice_store_refused_total'), 0);
  assert.equal(await server.metric('sluice_audit_lost_total'), 0);
  assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.log().slice(-3000));

  const files = readdirSync(join(folder, 'audit')).map((name) => join(folder, 'audit', name));
  const verdict = spawnSync(sluice, ['audit', 'verify', ...files, '--key-file', join(folder, 'key')], { encoding: 'utf8' });
  assert.equal(verdict.status, 0, verdict.stderr);
  const entries = files.flatMap((file) => readFileSync(file, 'utf8').trim().split('\n')).map((line) => JSON.parse(line));
  const count = (event, fits) => entries.filter((entry) => entry.event === event && fits(entry)).length;
  const joins = new Map();
  for (const entry of entries) if (entry.event === 'peer:joined') joins.set(entry.peerId, (joins.get(entry.peerId) ?? 0) + 1);
  for (const id of acknowledged.joins) assert.equal(joins.get(id), 1, `the joining of ${id} is on record once`);
  for (const [id, reason] of acknowledged.kicks) assert.equal(count('peer:kicked', (entry) => entry.peerId === id && entry.reason === reason), 1, `the kick of ${id}`);
  for (const ip of acknowledged.bans) assert.equal(count('ban', (entry) => entry.ip === ip), 1, `the ban of ${ip}`);
  for (const person of people) {
    for (const [event, { acknowledged: least, asked: most }] of [['consent:granted', person.grants], ['consent:withdrawn', person.withdrawals]]) {
      const done = count(event, (entry) => entry.peerId === person.id);
      assert.ok(done >= least && done <= most, `${event} of ${person.name}: ${done}, acknowledged ${least}, asked for ${most}`);
    }
  }
  const sum = (of) => people.reduce((total, person) => total + of(person), 0);
  console.log(`${kills} kills: ${sum((p) => p.resumes)} resumes (${sum((p) => p.bySession)} by session token), ${sum((p) => p.confirmed)} changes, `
    + `${acknowledged.joins.size} joins, ${acknowledged.kicks.size} kicks, ${acknowledged.bans.size} bans, ${sum((p) => p.grants.acknowledged + p.withdrawals.acknowledged)} consents given or taken back, ${moderator.acknowledged.size} mutes and locks set or lifted (${moderator.unanswered.size} without an answer); `
    + `${entries.length} audit entries in ${files.length} files: ${verdict.stdout.split('\n')[0]}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
