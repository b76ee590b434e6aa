// The control process is killed again and again while clients act: nothing of theirs may be lost, nothing may pile up.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { roomOf } from './support/admin.mjs';
import { eventually } from './support/browser.mjs';
import { ProtocolClient } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const KILLS = 10;
const CLIENTS = 6;
const ROOMS = 2;

/** A participant that comes back by itself, as a good client does, and knows what it was promised. */
class Participant {
  token = null;
  id = null;
  metadata = {};
  resumes = 0;
  restarts = 0; // identities lost: must stay 0
  #client = null;
  #stopped = false;
  #n = 0;

  constructor(server, room, name) { Object.assign(this, { server, room, name }); }

  /** Connects until it is in its room. */
  async enter() {
    for (let attempt = 0; attempt < 200 && !this.#stopped; ++attempt) {
      try {
        const client = new ProtocolClient(this.server.socketUrl);
        await client.opened;
        await client.next('connected');
        client.send(this.token ? { type: 'reconnect', token: this.token, roomId: this.room } : { type: 'join', roomId: this.room, metadata: { name: this.name } });
        for (;;) {
          const message = await client.next();
          if (message.type === 'error') ++this.restarts;
          if (message.type !== 'room:joined' && message.type !== 'room:state') continue;
          if (message.type === 'room:state') {
            ++this.resumes;
            assert.equal(message.peerId, this.id);
          }
          this.id = message.peerId;
          this.token = message.reconnectToken;
          client.id = this.id;
          this.#client = client;
          return;
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60));
      }
    }
  }
  async request(message, reply) {
    this.#client.send(message);
    return this.#client.await(reply);
  }
  /** Comes back if need be, and does something that must survive: only what was answered counts. */
  async act() {
    while (!this.#stopped) {
      if (!this.#client?.isOpen) await this.enter();
      try {
        const n = ++this.#n;
        const { metadata } = await this.request({ type: 'metadata', patch: { n } }, 'metadata:updated');
        this.metadata = metadata;
        this.#client.raw.length = 0;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 15));
      } catch { /* killed meanwhile */ }
    }
  }
  stop() { this.#stopped = true; }
  async settle() {
    this.#stopped = false;
    if (!this.#client?.isOpen) await this.enter();
    this.#client.raw.length = 0;
    return this.#client;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const processes = (server) => Object.keys(server.memory()).map((name) => name.split(':')[0]).sort();

let server;
before(async () => { server = await startServer({ 'workers.count': 1 }); });
after(async () => assert.deepEqual(await server?.stop(), { code: 0, signal: null }, server?.log()));

test(`${KILLS} kills of the control process in a row cost nobody anything`, { timeout: 150_000 }, async () => {
  await eventually('a spare worker waits', () => server.pidOf('sluice-spare'));
  const atFirst = processes(server);
  const people = Array.from({ length: CLIENTS }, (_, i) => new Participant(server, `room-${i % ROOMS}`, `p${i}`));
  for (const person of people) await person.enter();
  const producers = new Map(); // producerId -> paused
  const consumers = [];
  for (const person of people) {
    const { producerId } = await person.request({ type: 'data', payload: { __sfu: 'publish', kind: 'video', trackId: person.name } }, 'sfu:published');
    Object.assign(person, { producerId });
    producers.set(producerId, person.name);
  }
  for (const person of people) {
    for (const other of people.filter((p) => p !== person && p.room === person.room)) {
      consumers.push(await person.request({ type: 'data', payload: { __sfu: 'subscribe', producerId: other.producerId } }, 'sfu:subscribed'));
    }
  }
  const acting = people.map((person) => person.act());
  const firstControl = Object.entries(server.memory());
  const resident = [];
  for (let kill = 0; kill < KILLS; ++kill) {
    await pause(100 + Math.random() * 700);
    const pid = server.pidOf('sluice-control');
    if (pid) process.kill(pid, 'SIGKILL');
    // The supervisor waits longer after each death, up to five seconds.
    for (let i = 0; i < 400 && [pid, undefined].includes(server.pidOf('sluice-control')); ++i) await pause(20);
    assert.notEqual(server.pidOf('sluice-control'), undefined, server.log());
    if (kill % 3 === 0) await pause(600);
    resident.push(Object.entries(server.memory()));
  }
  await pause(2000);
  for (const person of people) person.stop();
  await Promise.all(acting);
  for (const person of people) await person.settle();

  for (const person of people) {
    assert.equal(person.restarts, 0, `${person.name} lost its identity\n${server.log()}`);
    const members = (await roomOf(server, person.room)).peers;
    assert.deepEqual(members.map((peer) => peer.metadata.name), people.filter((p) => p.room === person.room).map((p) => p.name));
    const own = members.find((peer) => peer.id === person.id);
    assert.equal(own.state, 'joined');
    // What was answered holds; one more may have been written whose answer was lost.
    assert.ok(own.metadata.n >= person.metadata.n && own.metadata.n <= person.metadata.n + 1, `${own.metadata.n} ${person.metadata.n}`);
  }
  assert.ok(people.reduce((sum, person) => sum + person.resumes, 0) >= CLIENTS * 3);

  // Publications: a newcomer is told of all of them; subscriptions: every one still answers for itself.
  for (let i = 0; i < ROOMS; ++i) {
    const visitor = new Participant(server, `room-${i}`, 'visitor');
    await visitor.enter();
    const client = await visitor.settle();
    client.send({ type: 'leave' });
    await client.close();
  }
  for (const person of people) {
    const client = await person.settle();
    for (const { consumerId } of consumers.filter((c) => people.find((p) => p.producerId === c.producerId).room === person.room)) {
      client.data({ __sfu: 'layers', consumerId, layer: 'low' });
    }
    const changed = (await client.drain()).filter((m) => m.type === 'sfu:layer:changed');
    assert.equal(changed.length, CLIENTS / ROOMS - 1, `${person.name} has its consumers`);
  }
  for (const person of people) {
    const client = await person.settle();
    client.data({ __sfu: 'unpublish', producerId: person.producerId });
    assert.equal((await client.await('sfu:unpublished')).producerId, person.producerId);
  }
  assert.equal(await server.metric('sluice_state_log_failures_total'), 0);
  assert.deepEqual(processes(server), atFirst, 'no process too many or too few');

  // Memory: the processes that were not killed must not grow by more than noise; nor may each control need more than the one before.
  const ofProgram = (sample, program) => sample.filter(([name]) => name.startsWith(`${program}:`)).reduce((sum, [, bytes]) => sum + bytes, 0);
  for (const program of ['sluice', 'sluice-worker', 'sluice-handshaker', 'sluice-control']) {
    // A control process that was sampled right after its start had not read its state yet: the first one is the measure.
    const before = program === 'sluice-control' ? firstControl : resident[1];
    const growth = ofProgram(Object.entries(server.memory()), program) - ofProgram(before, program);
    assert.ok(growth < 8 << 20, `${program} grew by ${growth} bytes`);
  }
  for (const person of people) (await person.settle()).close();
});
