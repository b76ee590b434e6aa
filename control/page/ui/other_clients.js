// "Other clients" of the lobby: how each protocol that this server speaks is reached, with code that its tests run.
const secure = location.protocol === 'https:';
const origin = location.origin;
const socket = `${secure ? 'wss' : 'ws'}://${location.host}`;

/** `file`: the snippet below /clients; `where`: the address, with a room of the visitor's choice. */
const clients = [
  { id: 'native', name: 'Browser', file: 'native.js', text: 'The native protocol: JSON over one WebSocket. Media through the server or from peer to peer.', where: () => `${socket}/` },
  { id: 'whip', name: 'WHIP', file: 'whip.js', text: 'Encoders such as OBS and GStreamer publish by one HTTP request.', where: (room) => `${origin}/whip/${room}` },
  { id: 'whep', name: 'WHEP', file: 'whep.js', text: 'Players watch what a room publishes.', where: (room) => `${origin}/whep/${room}` },
  { id: 'protoo', name: 'protoo', file: 'protoo.js', text: 'protoo-client 4: requests, answers and notifications, between clients and with the server.', where: (room) => `${socket}/?roomId=${room}&peerId=NAME` },
  { id: 'rtcio', name: 'rtc.io', file: 'rtcio.js', text: 'Perfect negotiation between peers over Socket.IO.', where: () => origin },
  { id: 'wrtc-signal', name: 'wrtc-signal', file: 'wrtc-signal.js', text: 'Rooms with an owner who lets people in, over Socket.IO.', where: () => origin },
  { id: 'partykit', name: 'PartyKit', file: 'partykit.js', text: 'partysocket: everybody hears everybody, and who else is there. TURN credentials over HTTP.', where: (room) => `${socket}/parties/main/${room}` },
];

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/** Comments, strings and words of the language, for reading; nothing is interpreted. */
function coloured(code) {
  const parts = document.createDocumentFragment();
  const pattern = /(\/\*[\s\S]*?\*\/|\/\/[^\n]*)|('(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\b(import|from|export|async|await|function|return|const|let|new|if|else|for|of|class)\b/g;
  let end = 0;
  for (const match of code.matchAll(pattern)) {
    parts.append(code.slice(end, match.index), make('span', { className: match[1] ? 'comment' : match[2] ? 'text' : 'word', textContent: match[0] }));
    end = match.index + match[0].length;
  }
  parts.append(code.slice(end));
  return parts;
}

/** Fills `panel`; `room()` gives the room that the visitor has typed. */
export async function showOtherClients(panel, room) {
  const loaded = await Promise.all(clients.map(async (client) => {
    const response = await fetch(`/clients/${client.file}`);
    return response.ok ? { ...client, code: (await response.text()).trim() } : null;
  }));
  const known = loaded.filter(Boolean);
  const tabs = make('div', { className: 'tabs', role: 'tablist', ariaLabel: 'Clients' });
  const text = make('p', { className: 'what' });
  const where = make('code', { className: 'where' });
  const code = make('pre', { className: 'code', tabIndex: 0 });
  const copy = make('button', { type: 'button', className: 'copy', textContent: 'Copy code' });
  const body = make('div', { role: 'tabpanel', className: 'client' }, text, make('div', { className: 'address' }, where, copy), code);
  let chosen = known[0];
  copy.onclick = async () => {
    try {
      await navigator.clipboard.writeText(chosen.code);
      copy.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(code); // no clipboard without https: at least it is marked
      copy.textContent = 'Press Ctrl+C';
    }
    setTimeout(() => { copy.textContent = 'Copy code'; }, 2000);
  };
  const choose = (client) => {
    chosen = client;
    for (const tab of tabs.children) {
      const selected = tab.dataset.client === client.id;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
    }
    text.textContent = client.text;
    where.textContent = client.where(encodeURIComponent(room() || 'lobby'));
    code.replaceChildren(coloured(client.code));
    code.scrollTop = 0;
  };
  for (const client of known) {
    const tab = make('button', { type: 'button', role: 'tab', textContent: client.name, onclick: () => choose(client) });
    tab.dataset.client = client.id;
    tabs.append(tab);
  }
  tabs.onkeydown = ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    choose(known[(known.indexOf(chosen) + step + known.length) % known.length]);
    tabs.querySelector('[aria-selected=true]').focus();
  };
  panel.replaceChildren(tabs, body);
  choose(chosen);
}
