// The dashboard: asks the server once a second for what the open view shows, and hears events in between.
import { ask, button, h, toast } from './dom.js';
import { Live } from './live.js';
import * as views from './views.js';

const HISTORY = 120; // seconds
const tabs = [['overview', 'Overview'], ['rooms', 'Rooms'], ['peers', 'Peers'], ['workers', 'Workers'], ['security', 'Security'], ['audit', 'Audit'], ['events', 'Events']];
const live = new Live();
const view = document.getElementById('view');
const methods = new Set();
const has = (name) => methods.has(name);
const state = {
  stats: null, workers: [], peers: [], room: null, roomGone: false, streams: null, moderation: null, health: null, threats: null, sessions: null, consents: null, alerts: null, audit: null,
  history: { rooms: [], peers: [], in: [], out: [] }, recent: new Map(), feed: [], frozen: false, filter: '', filterInput: null, auditForm: null,
};
window.sluiceDashboard = { live, state }; // for tests and the curious

state.filterInput = h('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter', oninput: (event) => { state.filter = event.target.value; render(); } });
state.auditForm = h('form', { class: 'bar flat', onsubmit: (event) => { event.preventDefault(); searchAudit(); } },
  h('input', { name: 'event', placeholder: 'event', 'aria-label': 'Event' }), h('input', { name: 'roomId', placeholder: 'room', 'aria-label': 'Room' }),
  h('input', { name: 'peerId', placeholder: 'peer', 'aria-label': 'Peer' }), h('button', { class: 'primary' }, 'Search'));

const route = () => { const [name, ...rest] = location.hash.slice(1).split('/'); return { name: name || 'overview', argument: rest.length ? decodeURIComponent(rest.join('/')) : null }; };
const open = (hash) => { location.hash = hash; };

async function attempt(done, method, params) {
  try {
    const result = await live.call(method, params);
    if (done) toast(done);
    refresh();
    return result;
  } catch (error) { toast(error.message, 'bad'); return null; }
}

const act = {
  async newRoom() {
    const given = await ask('New room', null, [{ name: 'roomId', label: 'Name', required: true }, { name: 'maxPeers', label: 'Capacity', type: 'number', value: '50' }], 'Create');
    if (given?.roomId) await attempt(`Room ${given.roomId} is there`, 'rooms.create', { roomId: given.roomId, maxPeers: Number(given.maxPeers) });
  },
  async editRoom(room) {
    const given = await ask(`Edit ${room.id}`, null, [{ name: 'maxPeers', label: 'Capacity', type: 'number', value: String(room.maxPeers) }, { name: 'metadata', label: 'Metadata to merge (JSON)', type: 'textarea', value: '{}' }], 'Save');
    if (!given) return;
    let metadata;
    try { metadata = JSON.parse(given.metadata); } catch { toast('The metadata is not valid JSON.', 'bad'); return; }
    await attempt('Saved', 'rooms.update', { roomId: room.id, maxPeers: Number(given.maxPeers), metadata });
  },
  async deleteRoom(room) {
    if (await ask(`Delete ${room.id}?`, room.peers.length ? `Its members (${room.peers.length}) are removed from it.` : 'Nobody is in it.', [], 'Delete', 'danger')) { if (await attempt(`Room ${room.id} is deleted`, 'rooms.delete', { roomId: room.id })) open('#rooms'); }
  },
  async broadcast(room) {
    const given = await ask('Message to the room', 'Every member gets it as data from __admin__.', [{ name: 'text', label: 'Text', type: 'textarea' }], 'Send');
    if (given?.text) await attempt('Message sent', 'rooms.broadcast', { roomId: room.id, payload: { text: given.text } });
  },
  async muteAll(room) { if (await ask('Mute all?', 'Every client of the room is asked to mute itself.', [], 'Mute all')) await attempt('Everybody is asked to mute', 'rooms.muteAll', { roomId: room.id }); },
  async migrate(room) {
    const given = await ask(`Move ${room.id}`, 'Media goes on while the room moves.', [{ name: 'worker', label: 'Worker', options: state.workers.filter((w) => w.id !== state.streams?.worker).map((w) => [String(w.id), `worker ${w.id}`]) }], 'Move');
    if (given) await attempt(`The room is moving to worker ${given.worker}`, 'rooms.migrate', { roomId: room.id, worker: Number(given.worker) });
  },
  async lock(room, on) { await attempt(on ? 'Locked: nobody else may join' : 'Unlocked', on ? 'moderation.lock' : 'moderation.unlock', { roomId: room.id, actorId: 'system' }); },
  async kick(peer) {
    const given = await ask(`Kick ${peer.metadata.displayName ?? peer.id}?`, null, [{ name: 'reason', label: 'Reason, shown to them', value: 'Kicked by admin' }], 'Kick', 'danger');
    if (given) await attempt(`${peer.metadata.displayName ?? 'The peer'} is out`, 'peers.kick', { peerId: peer.id, reason: given.reason });
  },
  async mute(peer, on) { await attempt(on ? 'Muted' : 'Unmuted', on ? 'moderation.mute' : 'moderation.unmute', { roomId: peer.roomId, targetId: peer.id, actorId: 'system', reason: '' }); },
  async warn(peer) {
    const given = await ask(`Warn ${peer.metadata.displayName ?? peer.id}`, null, [{ name: 'reason', label: 'What they are told' }], 'Warn');
    if (given) await attempt('Warned', 'moderation.warn', { roomId: peer.roomId, targetId: peer.id, actorId: 'system', reason: given.reason });
  },
  async details(peer) {
    const detail = await live.call('peers.get', { peerId: peer.id }).catch((error) => { toast(error.message, 'bad'); return null; });
    if (detail) await ask(detail.metadata.displayName ?? 'Peer', null, [{ name: 'x', label: `${detail.dialect}, ${detail.ip}`, type: 'textarea', value: JSON.stringify(detail, null, 2) }], null);
  },
  async pauseStream(stream) { await attempt(null, stream.paused ? 'sfu.resumeProducer' : 'sfu.pauseProducer', { producerId: stream.id }); },
  async endStream(stream) { if (await ask('End this stream?', `This ${stream.kind} is no longer forwarded to anybody.`, [], 'End', 'danger')) await attempt('Stream ended', 'sfu.closeProducer', { producerId: stream.id }); },
  async drainWorker(worker) {
    if (worker.draining || await ask(`Drain worker ${worker.id}?`, 'Its rooms move to other workers while they play, and it gets no new ones.', [], 'Drain', 'danger')) await attempt(worker.draining ? `Worker ${worker.id} takes rooms again` : `Worker ${worker.id} is being drained`, 'workers.drain', { worker: worker.id, undo: worker.draining });
  },
  async unban(ban) { await attempt(`${ban.ip} may come back`, 'bans.remove', { ip: ban.ip }); },
  freeze() { state.frozen = !state.frozen; render(); },
  unfold(entry) { entry.open = !entry.open; render(); },
};

async function searchAudit() {
  const params = { limit: 200 };
  for (const [name, value] of new FormData(state.auditForm)) if (value) params[name] = value;
  state.audit = await live.call('audit.query', params).catch((error) => { toast(error.message, 'bad'); return null; });
  render();
}

const pushed = (list, value) => { list.push(value); if (list.length > HISTORY) list.shift(); };

function remember() {
  pushed(state.history.rooms, state.stats.rooms);
  pushed(state.history.peers, state.stats.peers);
  pushed(state.history.in, state.workers.reduce((sum, worker) => sum + (worker.bitrateInBps ?? 0), 0));
  pushed(state.history.out, state.workers.reduce((sum, worker) => sum + (worker.bitrateOutBps ?? 0), 0));
  for (const worker of state.workers) {
    const recent = state.recent.get(worker.id) ?? { in: [], out: [], snapshots: [], counts: null };
    pushed(recent.in, worker.bitrateInBps ?? 0);
    pushed(recent.out, worker.bitrateOutBps ?? 0);
    const counts = worker.latencyHistogram?.counts;
    if (counts) {
      recent.snapshots.push(counts);
      if (recent.snapshots.length > 60) recent.snapshots.shift();
      recent.counts = counts.map((value, i) => Math.max(0, value - recent.snapshots[0][i]));
    }
    state.recent.set(worker.id, recent);
  }
}

let busy = false;
async function refresh() {
  if (!live.isLive || busy) return;
  busy = true;
  try {
    const { name, argument } = route();
    const wanted = [['stats', 'server.stats'], ['workers', 'workers.list']];
    if (name === 'peers') wanted.push(['peers', 'peers.list']);
    if (name === 'room') wanted.push(['room', 'rooms.get', { roomId: argument }], ['streams', 'sfu.streams', { roomId: argument }], ['moderation', 'moderation.state', { roomId: argument }]);
    if (name === 'overview') wanted.push(['health', 'health.slo']);
    if (name === 'security') wanted.push(['threats', 'bans.list'], ['sessions', 'sessions.stats'], ['consents', 'consent.stats'], ['alerts', 'alerts.recent', { limit: 30 }]);
    const asked = wanted.filter(([, method]) => has(method));
    const answers = await live.batch(asked.map(([, method, params]) => [method, params]));
    asked.forEach(([key], i) => { state[key] = key === 'workers' ? answers[i]?.workers ?? [] : key === 'peers' ? answers[i]?.peers ?? [] : answers[i]; });
    state.roomGone = name === 'room' && state.room === null;
    if (state.stats) remember();
    render();
  } finally { busy = false; }
}

function render() {
  const { name, argument } = route();
  const current = name === 'room' ? 'rooms' : name;
  const counts = { rooms: state.stats?.rooms, peers: state.stats?.peers };
  document.getElementById('tabs').replaceChildren(...tabs.map(([id, text]) => h('a', { href: `#${id}`, 'aria-current': id === current ? 'page' : null }, text,
    counts[id] === undefined ? null : h('span', { class: 'count' }, String(counts[id])))));
  // A view is drawn anew: whoever types into it, holds a button down or selects text is not disturbed.
  const selection = getSelection();
  if (view.contains(document.activeElement) && document.activeElement.matches('button:active')) return;
  if (!selection.isCollapsed && view.contains(selection.anchorNode)) return;
  const focused = document.activeElement;
  const scrolled = [...view.querySelectorAll('.scroll, .feed')].map((element) => [element.scrollLeft, element.scrollTop]);
  view.replaceChildren((views[name] ?? views.overview)(state, { open, act, has, argument }));
  [...view.querySelectorAll('.scroll, .feed')].forEach((element, i) => { if (scrolled[i]) [element.scrollLeft, element.scrollTop] = scrolled[i]; });
  if (focused?.matches('input') && view.contains(focused)) focused.focus();
}

function askForSecret(wasWrong) {
  const input = h('input', { type: 'password', autocomplete: 'current-password', required: true, 'aria-label': 'Secret' });
  view.replaceChildren(h('form', { class: 'panel login', onsubmit: (event) => { event.preventDefault(); live.useSecret(input.value); live.connect(); } },
    h('h1', {}, 'Sluice'), h('p', { class: wasWrong ? 'bad' : 'soft' }, wasWrong ? 'That is not the secret.' : 'This server asks for the secret of its admin API.'),
    h('label', {}, 'Secret', input), h('div', { class: 'end' }, h('button', { class: 'primary' }, 'Sign in'))));
  input.focus();
}

live.addEventListener('state', ({ detail }) => {
  const link = document.getElementById('link');
  link.dataset.state = detail;
  link.textContent = { live: 'live', lost: 'connection lost, trying again', connecting: 'connecting' }[detail];
});
live.addEventListener('secret', ({ detail }) => { live.forgetSecret(); askForSecret(detail); });
live.addEventListener('refused', ({ detail }) => view.replaceChildren(h('p', { class: 'empty bad' }, detail), h('p', { class: 'empty' }, button('Try again', () => live.connect()))));
live.addEventListener('open', async () => {
  const known = await live.call('rpc.discover');
  methods.clear();
  for (const method of known.methods) methods.add(method.name);
  await live.call('events.subscribe', {});
  refresh();
});
live.addEventListener('event', ({ detail }) => {
  if (!state.frozen) {
    state.feed.unshift({ time: Date.now(), event: detail.event, data: detail.data, text: JSON.stringify(detail.data) });
    if (state.feed.length > 1000) state.feed.pop();
  }
  if (detail.event === 'alert') toast(detail.data.message ?? 'Alert', detail.data.severity === 'info' ? '' : 'bad');
  if (route().name === 'events' && !state.frozen) render();
  // What changes who is there is shown at once, but not more than a few times a second.
  if (/^(room|peer|producer|consumer):/.test(detail.event)) soon();
});
live.addEventListener('events.dropped', ({ detail }) => toast(`${detail.count} events were left out: this page could not keep up.`, 'bad'));

let soonTimer = null;
function soon() { soonTimer ??= setTimeout(() => { soonTimer = null; refresh(); }, 250); }

addEventListener('hashchange', () => {
  state.filter = ''; state.filterInput.value = ''; state.room = null; state.streams = null; state.moderation = null; state.roomGone = false;
  render(); refresh();
  if (route().name === 'audit' && has('audit.query')) searchAudit();
});
setInterval(() => { if (!document.hidden) refresh(); }, 1000);
live.connect();
