import { Figures } from '/client/figures.js';
import { RoomClient } from '/client/room_client.js';
import { layOut } from './grid.js';
import { cameraText, textOf } from './messages.js';
import { syntheticStream } from './synthetic.js';
import { Tile } from './tile.js';

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const mode = query.get('mode') === 'p2p' ? 'p2p' : 'sfu';
// `?height=360` sends a smaller picture: for thin uplinks and small machines.
const pictureHeight = Math.min(1080, Math.max(90, Number(query.get('height')) || 720));
const pictureWidth = Math.round((pictureHeight * 16) / 9);

let stream = null;
let client = null;
const tiles = new Map(); // peerId -> Tile
const figures = new Map(); // RTCPeerConnection -> Figures

// --- lobby ---------------------------------------------------------------------------------------------------------------

$('name').value = query.get('name') ?? sessionStorage.getItem('sluice.name') ?? '';
$('room').value = query.get('room') ?? 'lobby';
const wantedSource = query.get('source');
if (['camera', 'synthetic', 'none'].includes(wantedSource)) {
  document.querySelector(`input[name=source][value=${wantedSource}]`).checked = true;
}

async function openSource(kind) {
  release(stream);
  stream = null;
  notice('');
  if (kind === 'synthetic') {
    stream = syntheticStream({ name: $('name').value || 'Sluice', width: pictureWidth, height: pictureHeight });
  } else if (kind === 'camera') {
    if (!navigator.mediaDevices) {
      notice('Browsers give the camera to https pages only. Open this page by https (./tools/run --lan), or send the test picture.');
    } else {
      try {
        stream = await navigator.mediaDevices.getUserMedia({
          audio: { echoCancellation: true, noiseSuppression: true },
          video: { width: { ideal: pictureWidth }, height: { ideal: pictureHeight }, frameRate: { ideal: 30 } },
        });
      } catch (error) {
        notice(cameraText(error));
      }
    }
  }
  $('preview-video').srcObject = stream;
  $('preview').classList.toggle('live', Boolean(stream));
  $('preview').classList.toggle('plain', kind !== 'camera');
  $('preview-note').textContent = kind === 'none' ? 'You will only watch.' : 'No picture';
}

function release(old) {
  if (!old) return;
  if (old.release) old.release();
  else for (const track of old.getTracks()) track.stop();
}

function notice(text) {
  $('lobby-notice').textContent = text;
  $('lobby-notice').hidden = !text;
}

const sourceOf = () => document.querySelector('input[name=source]:checked').value;
let opening = openSource(sourceOf());
for (const input of document.querySelectorAll('input[name=source]')) {
  input.onchange = () => { opening = opening.then(() => openSource(input.value)); };
}

$('join-form').onsubmit = async (event) => {
  event.preventDefault();
  $('join').disabled = true;
  notice('');
  await opening;
  sessionStorage.setItem('sluice.name', $('name').value);
  try {
    await enter($('room').value, $('name').value.trim());
  } catch (error) {
    client?.leave();
    client = null;
    show('lobby');
    notice(textOf({ code: error.code, message: error.message ?? String(error) }));
  }
  $('join').disabled = false;
};
$('other-clients').ontoggle = async () => {
  if (!$('other-clients').open) return;
  const { showOtherClients } = await import('./other_clients.js');
  await showOtherClients($('other-clients-panel'), () => $('room').value.trim());
};
if (location.hash === '#other-clients') $('other-clients').open = true;
if (query.get('autojoin') === '1') $('join-form').requestSubmit();

// --- call ----------------------------------------------------------------------------------------------------------------

async function enter(room, name) {
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`;
  client = new RoomClient(url, { mode });
  window.sluiceRoom = client; // for people who look around with the console
  tiles.clear();
  $('grid').replaceChildren();
  client.on('peer', (peer) => tileOf(peer.id, peer.metadata));
  client.on('peer-left', ({ peerId }) => { tiles.get(peerId)?.close(); tiles.delete(peerId); arrange(); });
  client.on('track', (consumer) => { tileOf(consumer.peerId).add(consumer); arrange(); });
  client.on('ended', ({ consumerId }) => { for (const tile of tiles.values()) tile.remove(consumerId); });
  client.on('layer', ({ consumerId, layer }) => {
    for (const tile of tiles.values()) if (tile.consumers.get('video')?.consumerId === consumerId) tile.setLayer(layer);
  });
  client.on('problem', (problem) => toast(textOf(problem), true));
  client.on('state', showStatus);
  client.on('connection', showStatus);
  client.on('kicked', ({ reason }) => { kickedReason = reason; });
  client.on('closed', ({ reason }) => {
    const text = kickedReason ? `You were removed: ${kickedReason}` : reason || 'The connection ended.';
    back();
    notice(text);
  });
  await client.join(room, { displayName: name }, stream);
  const self = new Tile({ id: client.peerId, name, self: true });
  self.showStream(stream, sourceOf() === 'camera');
  tiles.set(client.peerId, self);
  $('grid').prepend(self.element);
  $('room-name').textContent = room;
  document.title = `${room} · Sluice`;
  setToggle('toggle-audio', true, 'Mute', 'Unmute');
  setToggle('toggle-video', true, 'Stop video', 'Start video');
  $('toggle-audio').hidden = !stream?.getAudioTracks().length;
  $('toggle-video').hidden = !stream?.getVideoTracks().length;
  const address = new URL(location.href);
  address.searchParams.set('room', room);
  for (const key of ['name', 'autojoin']) address.searchParams.delete(key);
  history.replaceState(null, '', address);
  show('call');
  arrange();
}

let kickedReason = '';

function tileOf(peerId, metadata) {
  let tile = tiles.get(peerId);
  if (!tile) {
    tile = new Tile({ id: peerId, name: 'Guest', onLayer: (consumerId, layer) => client.media.setLayer(consumerId, layer) });
    tiles.set(peerId, tile);
    $('grid').append(tile.element);
    arrange();
  }
  if (metadata) {
    tile.setName(String(metadata.displayName ?? 'Guest'));
    tile.setMuted(metadata.audioMuted === true);
    tile.setPictureOff(metadata.videoOff === true);
  }
  return tile;
}

function arrange() {
  const grid = $('grid');
  let empty = grid.querySelector('.empty');
  if (tiles.size <= 1 && !empty) {
    empty = Object.assign(document.createElement('p'), { className: 'empty', textContent: 'Nobody else is here yet. Copy the invitation and send it to somebody.' });
    grid.append(empty);
  } else if (tiles.size > 1) {
    empty?.remove();
  }
  layOut(grid);
}
new ResizeObserver(arrange).observe($('grid'));

function show(view) {
  $('lobby').hidden = view !== 'lobby';
  $('call').hidden = view !== 'call';
  document.body.dataset.view = view;
}

function showStatus() {
  const signaling = client?.signaling.state;
  const media = client?.media?.pc?.connectionState;
  const [text, kind] =
    signaling === 'reconnecting' ? ['Reconnecting; media goes on', 'wait']
    : signaling !== 'joined' ? ['Connecting', 'wait']
    : media === 'failed' || media === 'disconnected' ? ['Media connection lost', 'bad']
    : media === 'connecting' || media === 'new' ? ['Starting media', 'wait']
    : [mode === 'p2p' ? 'Connected, peer to peer' : 'Connected', ''];
  $('status').textContent = text;
  $('status').className = `pill ${kind}`;
}

function back() {
  client?.leave();
  client = null;
  kickedReason = '';
  for (const tile of tiles.values()) tile.close();
  tiles.clear();
  figures.clear();
  document.title = 'Sluice';
  show('lobby');
}

function setToggle(id, on, onText, offText) {
  const button = $(id);
  button.querySelector('span').textContent = on ? onText : offText;
  button.classList.toggle('off', !on);
  button.setAttribute('aria-pressed', String(!on));
  button.dataset.on = on ? '1' : '';
}
function toggle(id, kind, onText, offText, key) {
  $(id).onclick = () => {
    const on = !$(id).dataset.on;
    setToggle(id, on, onText, offText);
    client.media.setPaused(kind, !on);
    client.signaling.send({ type: 'metadata', patch: { [key]: !on } });
    const self = tiles.get(client.peerId);
    if (kind === 'audio') self.setMuted(!on);
    else self.setPictureOff(!on);
  };
}
toggle('toggle-audio', 'audio', 'Mute', 'Unmute', 'audioMuted');
toggle('toggle-video', 'video', 'Stop video', 'Start video', 'videoOff');

$('toggle-figures').onclick = () => {
  const off = document.body.classList.toggle('no-figures');
  $('toggle-figures').setAttribute('aria-pressed', String(!off));
};
$('leave').onclick = back;
$('invite').onclick = async () => {
  const address = new URL(location.origin);
  address.searchParams.set('room', $('room-name').textContent);
  if (mode === 'p2p') address.searchParams.set('mode', 'p2p');
  try {
    await navigator.clipboard.writeText(address.href);
    toast('Invitation copied: send the link to somebody.');
  } catch {
    window.prompt('Copy this link and send it to somebody:', address.href);
  }
};

function toast(text, bad = false) {
  if ([...$('toasts').children].some((other) => other.textContent === text)) return;
  const element = Object.assign(document.createElement('div'), { className: `toast${bad ? ' bad' : ''}`, textContent: text });
  $('toasts').append(element);
  setTimeout(() => element.remove(), 5000);
}

// --- figures -------------------------------------------------------------------------------------------------------------

setInterval(async () => {
  if (!client?.media) return;
  showStatus();
  const connections = mode === 'p2p' ? [...client.media.connections.values()] : [client.media.pc];
  const all = [];
  for (const pc of connections) {
    if (!figures.has(pc)) figures.set(pc, new Figures());
    all.push(...figures.get(pc).read(await pc.getStats()).entries());
  }
  const ofTrack = (track) => all.find(([, f]) => track && f.trackIdentifier === track.id)?.[1];
  for (const tile of tiles.values()) {
    if (tile.self) {
      const sent = all.filter(([key]) => String(key).startsWith('out:')).map(([, f]) => f);
      tile.setFigures(sent.find((f) => f.kind === 'video'), sent.find((f) => f.kind === 'audio'));
    } else {
      tile.setFigures(ofTrack(tile.consumers.get('video')?.track), ofTrack(tile.consumers.get('audio')?.track));
    }
  }
}, 1000);

addEventListener('pagehide', () => client?.signaling.send({ type: 'leave' }));
