// What each tab shows. A view is a function from the state to an element; it is called again with every new state.
import { bits, button, clock, count, figure, h, ms, panel, since, table, tag } from './dom.js';
import { drawHistogram, drawLines } from './charts.js';

const later = (canvas, draw) => { requestAnimationFrame(() => { if (canvas.isConnected) draw(canvas); }); return canvas; };
const lines = (series, kind = '') => later(h('canvas', { class: kind, role: 'img' }), (canvas) => drawLines(canvas, series));
const nameOf = (peer) => peer?.metadata?.displayName || peer?.metadata?.name || '';
const stateTag = (state) => tag(state, state === 'joined' ? 'good' : state === 'reconnecting' ? 'warn' : '');
const shortId = (id) => h('code', { title: id }, String(id).slice(0, 8));
const missing = (key) => h('p', { class: 'empty' }, 'Not in use. The key ', h('code', {}, key), ' in the configuration turns it on.');
const sum = (list, key) => list.reduce((total, entry) => total + (entry[key] ?? 0), 0);

export function overview(state, { open }) {
  const { stats, workers, history } = state;
  if (!stats) return h('p', { class: 'empty' }, 'Waiting for the server …');
  const rooms = [...stats.roomList].sort((a, b) => b.peerCount - a.peerCount);
  const worst = Math.max(0, ...workers.map((worker) => worker.latencyMs?.p99 ?? 0));
  return h('div', {},
    h('div', { class: 'grid' },
      figure('Rooms', count(stats.rooms), '', lines([[history.rooms, '--accent']])),
      figure('Peers', count(stats.peers), '', lines([[history.peers, '--accent']])),
      figure('Media in', bits(sum(workers, 'bitrateInBps')), '', lines([[history.in, '--good']])),
      figure('Media out', bits(sum(workers, 'bitrateOutBps')), '', lines([[history.out, '--accent']])),
      figure('Forwarding latency, p99', ms(worst || null), '', h('p', { class: 'soft' }, workers.length > 1 ? 'of the slowest worker' : 'from socket to socket')),
      figure('Health', healthText(state.health), '', h('p', { class: 'soft' }, `up ${since(stats.uptime)} · ${stats.nodeVersion}`))),
    state.health?.breaches?.length ? panel('Missed objectives', table(state.health.breaches, [
      { head: 'Objective', cell: (row) => row.slo }, { head: 'Now', number: true, cell: (row) => String(row.actual) },
      { head: 'Target', number: true, cell: (row) => String(row.target) }, { head: 'Severity', cell: (row) => tag(row.severity, row.severity === 'critical' ? 'bad' : 'warn') }])) : null,
    panel('Largest rooms', roomTable(rooms.slice(0, 8), open)),
    panel('Media workers', workerTable(workers)));
}

const healthText = (health) => { const status = health?.status ?? 'ok'; return status === 'ok' ? 'OK' : status[0].toUpperCase() + status.slice(1); };

function roomTable(rooms, open, empty = 'No rooms yet. The first one who joins a room creates it.') {
  return table(rooms, [
    { head: 'Room', name: true, cell: (room) => room.id }, { head: 'Peers', number: true, cell: (room) => `${room.peerCount} / ${room.maxPeers}` },
    { head: 'Created', number: true, hide: true, cell: (room) => clock(room.createdAt) },
    { head: 'Metadata', name: true, hide: true, cell: (room) => (Object.keys(room.metadata).length ? h('code', { class: 'soft' }, JSON.stringify(room.metadata)) : h('span', { class: 'soft' }, '–')) },
  ], { open: (room) => open(`#room/${encodeURIComponent(room.id)}`), key: (room) => room.id, empty });
}

const workerTag = (worker) => (worker.draining ? tag('draining', 'warn') : (worker.heartbeatAgeMs ?? 9e9) < 2000 ? tag('working', 'good') : tag('silent', 'bad'));

function workerTable(workers) {
  return table(workers, [
    { head: 'Worker', cell: (worker) => `${worker.id}` },
    { head: 'State', cell: workerTag },
    { head: 'Rooms', number: true, cell: (worker) => count(worker.rooms) }, { head: 'Transports', number: true, hide: true, cell: (worker) => count(worker.transportsConnected) },
    { head: 'In', number: true, cell: (worker) => bits(worker.bitrateInBps) }, { head: 'Out', number: true, cell: (worker) => bits(worker.bitrateOutBps) },
    { head: 'p50', number: true, hide: true, cell: (worker) => ms(worker.latencyMs?.p50 || null) }, { head: 'p99', number: true, hide: true, cell: (worker) => ms(worker.latencyMs?.p99 || null) }]);
}

export function rooms(state, { open, act }) {
  const wanted = state.filter.toLowerCase();
  const list = (state.stats?.roomList ?? []).filter((room) => room.id.toLowerCase().includes(wanted)).sort((a, b) => b.peerCount - a.peerCount);
  return h('div', {}, h('div', { class: 'bar' }, h('h1', {}, 'Rooms'), state.filterInput, button('New room', act.newRoom, 'primary')), panel(null, roomTable(list, open, wanted ? 'No room has such a name.' : 'No rooms yet. The first one who joins a room creates it, or "New room" does.')));
}

export function peers(state, { open, act }) {
  const wanted = state.filter.toLowerCase();
  const list = (state.peers ?? []).filter((peer) => `${peer.id} ${peer.roomId} ${nameOf(peer)}`.toLowerCase().includes(wanted)).slice(0, 500);
  return h('div', {}, h('div', { class: 'bar' }, h('h1', {}, 'Peers'), state.filterInput), panel(null, table(list, [
    { head: 'Peer', cell: (peer) => shortId(peer.id) }, { head: 'Name', name: true, cell: (peer) => nameOf(peer) || h('span', { class: 'soft' }, '–') },
    { head: 'Room', name: true, cell: (peer) => peer.roomId ?? h('span', { class: 'soft' }, 'none') }, { head: 'State', cell: (peer) => stateTag(peer.state) },
    { head: '', number: true, cell: (peer) => button('Kick', () => act.kick(peer), 'danger') },
  ], { open: (peer) => { if (peer.roomId !== null) open(`#room/${encodeURIComponent(peer.roomId)}`); }, key: (peer) => peer.id, empty: wanted ? 'No peer fits.' : 'Nobody is connected.' })));
}

export function room(state, { open, act, has }) {
  const detail = state.room;
  if (!detail) return h('p', { class: 'empty' }, state.roomGone ? ['This room is gone. ', h('a', { href: '#rooms' }, 'All rooms')] : 'Waiting for the room …');
  const muted = new Set(state.moderation?.muted ?? []);
  const locked = state.moderation?.locked === true;
  const streams = new Map((state.streams?.peers ?? []).map((entry) => [entry.peerId, entry]));
  const names = new Map(detail.peers.map((peer) => [peer.id, nameOf(peer) || peer.id.slice(0, 8)]));
  return h('div', {},
    h('div', { class: 'bar' }, h('h1', {}, detail.id), tag(`${detail.peers.length} / ${detail.maxPeers} peers`), state.streams?.worker !== null && state.streams ? tag(`worker ${state.streams.worker}`) : null,
      locked ? tag('locked', 'warn') : null, h('span', { class: 'break' }),
      button('Message', () => act.broadcast(detail)), button('Mute all', () => act.muteAll(detail)), button('Edit', () => act.editRoom(detail)),
      has('moderation.lock') ? button(locked ? 'Unlock' : 'Lock', () => act.lock(detail, !locked)) : null,
      state.workers.length > 1 ? button('Move', () => act.migrate(detail)) : null, button('Delete', () => act.deleteRoom(detail), 'danger')),
    Object.keys(detail.metadata).length ? panel('Metadata', h('code', {}, JSON.stringify(detail.metadata))) : null,
    detail.peers.length === 0 ? panel(null, h('p', { class: 'empty' }, 'Nobody is in this room.')) : null,
    detail.peers.map((peer) => member(peer, streams.get(peer.id), names, muted.has(peer.id), { act, has })));
}

function member(peer, streams, names, muted, { act, has }) {
  const transport = streams?.transport;
  return h('section', { class: 'panel', 'data-peer': peer.id },
    h('div', { class: 'bar' }, h('strong', {}, names.get(peer.id)), shortId(peer.id), stateTag(peer.state),
      peer.metadata.__role ? tag(peer.metadata.__role) : null,
      transport ? tag(`media ${transport.state}`, transport.state === 'connected' ? 'good' : 'warn') : tag('no media'), muted ? tag('muted', 'warn') : null,
      transport?.rttMs ? h('span', { class: 'soft' }, `round trip ${ms(transport.rttMs)}${transport.availableBps ? `, path ${bits(transport.availableBps)}` : ''}`) : null,
      h('span', { class: 'grow break' }), button('Details', () => act.details(peer)),
      has('moderation.mute') ? button(muted ? 'Unmute' : 'Mute', () => act.mute(peer, !muted)) : null,
      has('moderation.warn') ? button('Warn', () => act.warn(peer)) : null, button('Kick', () => act.kick(peer), 'danger')),
    streams?.producers.length ? table(streams.producers, [
      { head: 'Sends', kind: 'stream', cell: (stream) => [stream.kind, ' ', h('span', { class: 'soft' }, stream.codec ?? '')] },
      { head: 'Layers', cell: (stream) => layerTags(stream) },
      { head: 'Lost', number: true, hide: true, cell: (stream) => count(sum(stream.layerFigures ?? [], 'lost')) },
      { head: 'Receivers', number: true, cell: (stream) => count(stream.subscribers) },
      { head: '', number: true, cell: (stream) => [stream.paused ? tag('paused', 'warn') : stream.forwarded === false ? tag('not forwarded', 'bad') : null, ' ',
        button(stream.paused ? 'Resume' : 'Pause', () => act.pauseStream(stream)), ' ', button('End', () => act.endStream(stream), 'danger')] },
    ], { key: (stream) => stream.id, kind: 'stack' }) : h('p', { class: 'soft' }, 'Sends nothing.'),
    streams?.consumers.length ? table(streams.consumers, [
      { head: 'Receives', kind: 'stream', cell: (stream) => [stream.kind, h('span', { class: 'soft' }, ` of ${names.get(stream.publisherPeerId) ?? '?'}`)] },
      { head: 'Layer', cell: (stream) => (stream.forwardedLayer === null || stream.forwardedLayer === undefined ? tag('nothing', 'warn') : stream.forwardedLayer === '' ? tag('on', 'good') : tag(stream.forwardedLayer, 'good')) },
      { head: 'Bit rate', number: true, cell: (stream) => bits(stream.bitrateBps) },
      { head: 'Resent', number: true, hide: true, cell: (stream) => count(stream.retransmitted) },
      { head: 'Loss', number: true, cell: (stream) => `${((stream.lossPerMille ?? 0) / 10).toFixed(1)} %` },
    ], { key: (stream) => stream.id, kind: 'stack' }) : null);
}

function layerTags(stream) {
  if (!stream.layerFigures) return h('span', { class: 'soft' }, 'no packets yet');
  return h('div', { class: 'layers' }, stream.layerFigures.map((layer) => h('span', { class: `layer ${layer.active ? 'on' : ''}` },
    [layer.name, layer.width ? `${layer.width}×${layer.height}` : '', layer.fps ? `${Math.round(layer.fps)} fps` : '', bits(layer.bitrateBps)].filter(Boolean).join(' · '))));
}

export function workers(state, { act }) {
  return h('div', {}, h('h1', {}, 'Media workers'), h('div', { class: 'grid wide' }, state.workers.map((worker) => {
    const recent = state.recent.get(worker.id);
    return h('section', { class: 'panel' },
      h('div', { class: 'bar' }, h('strong', {}, `Worker ${worker.id}`), workerTag(worker), h('span', { class: 'grow' }),
        button(worker.draining ? 'Take rooms again' : 'Drain', () => act.drainWorker(worker), worker.draining ? '' : 'danger')),
      h('p', { class: 'legend' }, h('span', { class: 'out' }, 'Out ', h('b', {}, bits(worker.bitrateOutBps))), h('span', { class: 'in' }, 'In ', h('b', {}, bits(worker.bitrateInBps)))),
      lines([[recent?.out ?? [], '--accent'], [recent?.in ?? [], '--good']]),
      worker.latencyHistogram ? h('div', { class: 'latency' }, h('p', { class: 'soft' }, 'Forwarding latency of the last minute (logarithmic)'),
        later(h('canvas', { class: 'tall', role: 'img' }), (canvas) => drawHistogram(canvas, worker.latencyHistogram.boundsUs, recent?.counts ?? worker.latencyHistogram.counts))) : null,
      h('dl', { class: 'facts' }, [
        ['Rooms', count(worker.rooms)], ['Transports', count(worker.transportsConnected)], ['Streams in', count(worker.publications)], ['Streams out', count(worker.subscriptions)],
        ['Packets forwarded', count(worker.forwardedPackets)], ['Packets resent', count(worker.retransmissions)], ['Key frames requested', count(worker.plisSent)], ['Packets dropped', count(worker.drops)],
        ...(worker.latencyMs ? [['Latency p50', ms(worker.latencyMs.p50 || null)], ['Latency p99', ms(worker.latencyMs.p99 || null)], ['Latency p99.9', ms(worker.latencyMs.p999 || null)]] : []),
        ['Last heartbeat', `${Math.round(worker.heartbeatAgeMs ?? 0)} ms ago`], ['Process', String(worker.pid ?? '–')],
      ].map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))));
  })));
}

export function security(state, { act, has }) {
  return h('div', {}, h('h1', {}, 'Security and compliance'), h('div', { class: 'grid halves' },
    panel('Bans', !has('bans.list') ? missing('threatDetector') : table(state.threats?.bans ?? [], [
      { head: 'Address', cell: (ban) => h('code', {}, ban.ip) }, { head: 'Ends in', number: true, cell: (ban) => since(ban.expiresIn / 1000) },
      { head: '', number: true, cell: (ban) => (has('bans.remove') ? button('Lift ban', () => act.unban(ban)) : null) }], { empty: 'Nobody is banned.', key: (ban) => ban.ip })),
    panel('Sessions', !has('sessions.stats') ? missing('sessionManager') : h('div', { class: 'grid thirds' }, ['active', 'suspended', 'total'].map((name) => h('div', {}, h('div', { class: 'figure' }, count(state.sessions?.[name])), h('span', { class: 'soft' }, name[0].toUpperCase() + name.slice(1)))))),
    panel('Consent', !has('consent.stats') ? missing('consentFlow') : table(state.consents?.rooms ?? [], [
      { head: 'Room', name: true, cell: (row) => row.roomId }, { head: 'Consented', number: true, cell: (row) => `${row.consented} / ${row.totalPeers}` },
      { head: '', cell: (row) => (row.allConsented ? tag('all', 'good') : tag('some are missing', 'warn')) }], { empty: 'There is nobody to ask.' })),
    panel('Alerts', !has('alerts.recent') ? missing('alertManager') : table([...(state.alerts?.alerts ?? [])].reverse(), [
      { head: 'Time', cell: (alert) => clock(alert.ts) }, { head: 'Severity', cell: (alert) => tag(alert.severity, alert.severity === 'critical' ? 'bad' : alert.severity === 'warning' ? 'warn' : 'good') },
      { head: 'Message', cell: (alert) => alert.message }], { empty: 'No alerts.' }))));
}

export function audit(state, { has }) {
  return h('div', {}, h('div', { class: 'bar' }, h('h1', {}, 'Audit log'), has('audit.query') ? state.auditForm : null), panel(null,
    !has('audit.query') ? missing('auditLogger')
      : table([...(state.audit?.entries ?? [])].reverse(), [
        { head: 'Time', cell: (entry) => clock(entry.ts) }, { head: 'Event', cell: (entry) => h('code', {}, entry.event) },
        { head: 'Room', name: true, cell: (entry) => entry.roomId ?? '' }, { head: 'Peer', hide: true, cell: (entry) => (entry.peerId ? shortId(entry.peerId) : '') },
        { head: 'More', cell: (entry) => h('code', { class: 'soft' }, JSON.stringify(Object.fromEntries(Object.entries(entry).filter(([key]) => !['ts', 'event', 'roomId', 'peerId', 'service'].includes(key))))) }], { empty: 'No entry fits.' })));
}

export function events(state, { act }) {
  const feed = state.feed.filter((entry) => `${entry.event} ${entry.text}`.includes(state.filter)).slice(0, 300);
  return h('div', {}, h('div', { class: 'bar' }, h('h1', {}, 'Events'), state.filterInput, button(state.frozen ? 'Resume' : 'Pause', act.freeze)), panel(null, h('div', { class: 'feed' },
    feed.map((entry) => h('button', { type: 'button', class: entry.open ? 'entry open' : 'entry', 'aria-expanded': String(entry.open === true), onclick: () => act.unfold(entry) },
      h('span', { class: 'soft' }, clock(entry.time)), h('span', {}, entry.event), h('span', { class: 'soft' }, entry.open ? JSON.stringify(entry.data, null, 2) : entry.text))),
    feed.length === 0 ? h('p', { class: 'empty' }, state.feed.length ? 'No event fits.' : 'Nothing has happened since this page was opened.') : null)));
}
