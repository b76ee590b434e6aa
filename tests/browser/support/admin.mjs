// The admin API, as far as the tests ask it.
import assert from 'node:assert/strict';

/** One room with its members, or null. */
export async function roomOf(server, id) {
  const response = await fetch(`${server.adminUrl}/admin/rooms/${encodeURIComponent(id)}`);
  return response.status === 404 ? null : response.json();
}

export async function createRoom(server, options) {
  const response = await fetch(`${server.adminUrl}/admin/rooms`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(options),
  });
  assert.equal(response.status, 201);
}

export async function kick(server, peer, reason) {
  const response = await fetch(`${server.adminUrl}/admin/peers/${peer}?reason=${encodeURIComponent(reason)}`, { method: 'DELETE' });
  assert.equal(response.status, 200);
}

export async function isHealthy(server) {
  try {
    return (await fetch(`${server.adminUrl}/admin/health`)).status === 200;
  } catch {
    return false;
  }
}
