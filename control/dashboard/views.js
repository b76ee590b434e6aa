// What each tab shows. A view is a function from the state to an element; it is called again with every new state.
import { bits, button, clock, count, figure, h, ms, panel, since, table, tag } from './dom.js';
import { drawHistogram, drawLines } from './charts.js';

const later = (canvas, draw) => { requestAnimationFrame(() => { if (canvas.isConnected) draw(canvas); }); return canvas; };
const lines = (series, kind = '') => later(h('canvas', { class: kind, role: 'img' }), (canvas) => drawLines(canvas, series));
const nameOf = (peer) => peer?.metadata?.displayName || peer?.metadata?.name || '';
const stateTag = (state) => tag(state, state === 'joined' ? 'good' : state === 'reconnecting' ? 'warn' : '');
const shortId = (id) => h('code', { title: id }, String(id).slice(0, 8));
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
      figure('Latency p99', ms(worst), 'worst worker', h('p', { class: 'soft' }, 'from receive to hand-over')),
      figure('Health', state.health ? (state.health.status ?? 'ok') : 'ok', '', h('p', { class: 'soft' }, `up ${since(stats.uptime)}, ${stats.nodeVersion}`))),
    state.health?.breaches?.length ? panel('Objectives that are missed', table(state.health.breaches, [
      { head: 'objective', cell: (row) => row.slo }, { head: 'now', number: true, cell: (row) => String(row.actual) },
      { head: 'target', number: true, cell: (row) => String(row.target) }, { head: 'severity', cell: (row) => tag(row.severity, row.severity === 'critical' ? 'bad' : 'warn') }])) : null,
    panel('Largest rooms', roomTable(rooms.slice(0, 8), open)),
    panel('Media workers', workerTable(workers)));
}

function roomTable(rooms, open) {
  return table(rooms, [
    { head: 'room', name: true, cell: (room) => room.id }, { head: 'peers', number: true, cell: (room) => `${room.peerCount} / ${room.maxPeers}` },
    { head: 'made', hide: true, cell: (room) => clock(room.createdAt) },
    { head: 'metadata', name: true, hide: true, cell: (room) => h('code', { class: 'soft' }, JSON.stringify(room.metadata)) },
  ], { open: (room) => open(`#room/${encodeURIComponent(room.id)}`), key: (room) => room.id, empty: 'No rooms yet. They are made by the first join, or by "New room".' });
}

function workerTable(workers) {
  return table(workers, [
    { head: 'worker', cell: (worker) => `${worker.id}` },
    { head: 'state', cell: (worker) => (worker.draining ? tag('draining', 'warn') : (worker.heartbeatAgeMs ?? 9e9) < 2000 ? tag('working', 'good') : tag('silent', 'bad')) },
    { head: 'rooms', number: true, cell: (worker) => count(worker.rooms) }, { head: 'transports', number: true, cell: (worker) => count(worker.transportsConnected) },
    { head: 'in', number: true, cell: (worker) => bits(worker.bitrateInBps) }, { head: 'out', number: true, cell: (worker) => bits(worker.bitrateOutBps) },
    { head: 'p50', number: true, hide: true, cell: (worker) => ms(worker.latencyMs?.p50) }, { head: 'p99', number: true, cell: (worker) => ms(worker.latencyMs?.p99) }]);
}

export function rooms(state, { open, act }) {
  const wanted = state.filter.toLowerCase();
  const list = (state.stats?.roomList ?? []).filter((room) => room.id.toLowerCase().includes(wanted)).sort((a, b) => b.peerCount - a.peerCount);
  return h('div', {}, h('div', { class: 'bar' }, h('h1', {}, 'Rooms'), state.filterInput, button('New room', act.newRoom, 'primary')), panel(null, roomTable(list, open)));
}

export function peers(state, { open, act }) {
  const wanted = state.filter.toLowerCase();
  const list = (state.peers ?? []).filter((peer) => `${peer.id} ${peer.roomId} ${nameOf(peer)}`.toLowerCase().includes(wanted)).slice(0, 500);
  return h('div', {}, h('div', { class: 'bar' }, h('h1', {}, 'Peers'), state.filterInput), panel(null, table(list, [
    { head: 'peer', cell: (peer) => shortId(peer.id) }, { head: 'name', name: true, cell: (peer) => nameOf(peer) || h('span', { class: 'soft' }, '–') },
    { head: 'room', name: true, cell: (peer) => peer.roomId ?? h('span', { class: 'soft' }, 'in none') }, { head: 'state', cell: (peer) => stateTag(peer.state) },
    { head: '', number: true, cell: (peer) => button('Kick', () => act.kick(peer), 'danger') },
  ], { open: (peer) => { if (peer.roomId !== null) open(`#room/${encodeURIComponent(peer.roomId)}`); }, key: (peer) => peer.id, empty: 'Nobody is connected.' })));
}

export function room(state, { open, act, has }) {
  const detail = state.room;
  if (!detail) return h('p', { class: 'empty' }, state.roomGone ? 'This room is gone.' : 'Waiting for the room …');
  const streams = new Map((state.streams?.peers ?? []).map((entry) => [entry.peerId, entry]));
  const names = new Map(detail.peers.map((peer) => [peer.id, nameOf(peer) || peer.id.slice(0, 8)]));
  return h('div', {},
    h('div', { class: 'bar' }, h('h1', {}, detail.id), tag(`${detail.peers.length} / ${detail.maxPeers} peers`), state.streams?.worker !== null && state.streams ? tag(`worker ${state.streams.worker}`) : null,
      button('Message', () => act.broadcast(detail)), button('Mute all', () => act.muteAll(detail)), button('Change', () => act.editRoom(detail)),
      has('moderation.lock') ? button('Lock', () => act.lock(detail, true)) : null, has('moderation.unlock') ? button('Unlock', () => act.lock(detail, false)) : null,
      state.workers.length > 1 ? button('Move', () => act.migrate(detail)) : null, button('Delete', () => act.deleteRoom(detail), 'danger')),
    Object.keys(detail.metadata).length ? panel('Metadata', h('code', {}, JSON.stringify(detail.metadata))) : null,
    detail.peers.length === 0 ? panel(null, h('p', { class: 'empty' }, 'Nobody is in this room.')) : null,
    detail.peers.map((peer) => member(peer, streams.get(peer.id), names, { act, has })));
}

function member(peer, streams, names, { act, has }) {
  const transport = streams?.transport;
  return h('section', { class: 'panel', 'data-peer': peer.id },
    h('div', { class: 'bar' }, h('strong', {}, names.get(peer.id)), shortId(peer.id), stateTag(peer.state),
      peer.metadata.__role ? tag(peer.metadata.__role) : null,
      transport ? tag(transport.state, transport.state === 'connected' ? 'good' : 'warn') : tag('no media'),
      transport ? h('span', { class: 'soft' }, `rtt ${ms(transport.rttMs || null)}${transport.availableBps ? `, path ${bits(transport.availableBps)}` : ''}`) : null,
      h('span', { class: 'grow' }), button('Details', () => act.details(peer)),
      has('moderation.mute') ? button('Mute', () => act.mute(peer, true)) : null, has('moderation.unmute') ? button('Unmute', () => act.mute(peer, false)) : null,
      has('moderation.warn') ? button('Warn', () => act.warn(peer)) : null, button('Kick', () => act.kick(peer), 'danger')),
    streams?.producers.length ? table(streams.producers, [
      { head: 'sends', cell: (stream) => [stream.kind, ' ', h('span', { class: 'soft' }, stream.codec ?? '')] },
      { head: 'layers', cell: (stream) => layerTags(stream) },
      { head: 'lost', number: true, hide: true, cell: (stream) => count(sum(stream.layerFigures ?? [], 'lost')) },
      { head: 'viewers', number: true, cell: (stream) => count(stream.subscribers) },
      { head: '', number: true, cell: (stream) => [stream.paused ? tag('paused', 'warn') : stream.forwarded === false ? tag('not forwarded', 'bad') : null, ' ',
        button(stream.paused ? 'Resume' : 'Pause', () => act.pauseStream(stream)), ' ', button('End', () => act.endStream(stream), 'danger')] },
    ], { key: (stream) => stream.id }) : h('p', { class: 'soft' }, 'Sends nothing.'),
    streams?.consumers.length ? table(streams.consumers, [
      { head: 'gets', cell: (stream) => [stream.kind, h('span', { class: 'soft' }, ` of ${names.get(stream.publisherPeerId) ?? '?'}`)] },
      { head: 'layer', cell: (stream) => (stream.forwardedLayer === null || stream.forwardedLayer === undefined ? tag('nothing', 'warn') : stream.forwardedLayer === '' ? tag('on', 'good') : tag(stream.forwardedLayer, 'good')) },
      { head: 'bit rate', number: true, cell: (stream) => bits(stream.bitrateBps) },
      { head: 'sent again', number: true, hide: true, cell: (stream) => count(stream.retransmitted) },
      { head: 'loss', number: true, cell: (stream) => `${((stream.lossPerMille ?? 0) / 10).toFixed(1)} %` },
    ], { key: (stream) => stream.id }) : null);
}

function layerTags(stream) {
  if (!stream.layerFigures) return h('span', { class: 'soft' }, 'no packets yet');
  return h('div', { class: 'layers' }, stream.layerFigures.map((layer) => h('span', { class: `layer ${layer.active ? 'on' : ''}` },
    [layer.name, layer.width ? `${layer.width}×${layer.height}` : '', layer.fps ? `${Math.round(layer.fps)} fps` : '', bits(layer.bitrateBps)].filter(Boolean).join(' · '))));
}

export function workers(state, { act }) {
  return h('div', {}, h('h1', {}, 'Media workers'), h('div', { class: 'grid wide' }, state.workers.map((worker) => {
    const recent = state.recent.get(worker.id);
    return panel(`Worker ${worker.id} (process ${worker.pid ?? '–'})`,
      h('div', { class: 'bar' }, h('span', { class: 'figure' }, bits(worker.bitrateOutBps), h('small', {}, ' out')), h('span', { class: 'soft' }, `${bits(worker.bitrateInBps)} in`)),
      lines([[recent?.out ?? [], '--accent'], [recent?.in ?? [], '--good']]),
      worker.latencyHistogram ? h('div', {}, h('p', { class: 'soft' }, `Latency of the last minute; since the start p50 ${ms(worker.latencyMs.p50)}, p99 ${ms(worker.latencyMs.p99)}, p99.9 ${ms(worker.latencyMs.p999)}`),
        later(h('canvas', { class: 'tall', role: 'img' }), (canvas) => drawHistogram(canvas, worker.latencyHistogram.boundsUs, recent?.counts ?? worker.latencyHistogram.counts))) : null,
      table([
        ['rooms', count(worker.rooms)], ['transports', count(worker.transportsConnected)], ['streams in', count(worker.publications)], ['streams out', count(worker.subscriptions)],
        ['packets forwarded', count(worker.forwardedPackets)], ['sent again', count(worker.retransmissions)], ['key frames asked for', count(worker.plisSent)], ['dropped', count(worker.drops)],
        ['last turn', `${Math.round(worker.heartbeatAgeMs ?? 0)} ms ago`],
      ], [{ head: '', cell: (row) => row[0] }, { head: '', number: true, cell: (row) => row[1] }]),
      h('div', { class: 'end' }, worker.draining ? tag('draining', 'warn') : null, button(worker.draining ? 'Take rooms again' : 'Empty it', () => act.drainWorker(worker), worker.draining ? '' : 'danger')));
  })));
}

export function security(state, { act, has }) {
  const missing = (what) => h('p', { class: 'empty' }, `${what} is not attached: its key is not in the configuration.`);
  return h('div', {}, h('h1', {}, 'Security and compliance'), h('div', { class: 'grid wide' },
    panel('Bans', !has('bans.list') ? missing('threatDetector') : table(state.threats?.bans ?? [], [
      { head: 'address', cell: (ban) => h('code', {}, ban.ip) }, { head: 'ends in', number: true, cell: (ban) => since(ban.expiresIn / 1000) },
      { head: '', number: true, cell: (ban) => (has('bans.remove') ? button('Lift', () => act.unban(ban)) : null) }], { empty: 'Nobody is banned.', key: (ban) => ban.ip })),
    panel('Sessions', !has('sessions.stats') ? missing('sessionManager') : h('div', { class: 'grid' }, ['active', 'suspended', 'total'].map((name) => h('div', {}, h('div', { class: 'figure' }, count(state.sessions?.[name])), h('span', { class: 'soft' }, name))))),
    panel('Consent', !has('consent.stats') ? missing('consentFlow') : table(state.consents?.rooms ?? [], [
      { head: 'room', name: true, cell: (row) => row.roomId }, { head: 'consented', number: true, cell: (row) => `${row.consented} / ${row.totalPeers}` },
      { head: '', cell: (row) => (row.allConsented ? tag('all', 'good') : tag('some are missing', 'warn')) }], { empty: 'No room has members.' })),
    panel('Alerts', !has('alerts.recent') ? missing('alertManager') : table([...(state.alerts?.alerts ?? [])].reverse(), [
      { head: 'time', cell: (alert) => clock(alert.ts) }, { head: '', cell: (alert) => tag(alert.severity, alert.severity === 'critical' ? 'bad' : alert.severity === 'warning' ? 'warn' : 'good') },
      { head: 'message', cell: (alert) => alert.message }], { empty: 'No alerts.' }))));
}

export function audit(state, { has }) {
  return h('div', {}, h('div', { class: 'bar' }, h('h1', {}, 'Audit log'), has('audit.query') ? state.auditForm : null), panel(null,
    !has('audit.query') ? h('p', { class: 'empty' }, 'auditLogger is not attached: its key is not in the configuration.')
      : table([...(state.audit?.entries ?? [])].reverse(), [
        { head: 'time', cell: (entry) => clock(entry.ts) }, { head: 'event', cell: (entry) => h('code', {}, entry.event) },
        { head: 'room', name: true, cell: (entry) => entry.roomId ?? '' }, { head: 'peer', hide: true, cell: (entry) => (entry.peerId ? shortId(entry.peerId) : '') },
        { head: 'more', cell: (entry) => h('code', { class: 'soft' }, JSON.stringify(Object.fromEntries(Object.entries(entry).filter(([key]) => !['ts', 'event', 'roomId', 'peerId', 'service'].includes(key))))) }], { empty: 'Nothing fits.' })));
}

export function events(state, { act }) {
  return h('div', {}, h('div', { class: 'bar' }, h('h1', {}, 'Events'), state.filterInput, button(state.frozen ? 'Go on' : 'Hold', act.freeze)), panel(null,
    h('div', { class: 'feed' }, state.feed.filter((entry) => `${entry.event} ${entry.text}`.includes(state.filter)).slice(0, 300).map((entry) => h('div', {}, h('span', { class: 'soft' }, clock(entry.time)), h('span', {}, entry.event), h('span', { class: 'soft' }, entry.text))),
      state.feed.length === 0 ? h('p', { class: 'empty' }, 'Nothing has happened since this page was opened.') : null)));
}
