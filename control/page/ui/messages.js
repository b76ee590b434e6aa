/** What a person reads when the server refuses something. */
const TEXTS = {
  ROOM_FULL: 'This room is full. Try again when somebody has left, or choose another room.',
  ROOM_NOT_FOUND: 'There is no such room, and this server does not make rooms on request. Check the invitation.',
  INVALID_ROOM_ID: 'This room name cannot be used. Choose a shorter one that is not blank.',
  JOIN_REJECTED: 'The server did not let you in.',
  AUTH_ERROR: 'The server could not check whether you may join. Try again in a moment.',
  SERVER_OVERLOADED: 'The server is busy. Try again in a minute.',
  RATE_LIMITED: 'Too many requests; slow down a little.',
  SFU_UNAVAILABLE: 'The media server has no room for you just now.',
  SFU_CODEC_UNSUPPORTED: 'One participant sends a format that this browser does not support.',
  SFU_TRANSPORT_CLOSED: 'The media connection was lost; connecting again.',
  SFU_PRODUCER_NOT_FOUND: 'That participant has just stopped sending.',
  CLOSED: 'The server closed the connection.',
};

export function textOf({ code, message }) {
  const text = TEXTS[code];
  if (!text) return message || `The server answered ${code}.`;
  return message && code === 'JOIN_REJECTED' ? `${text} It says: ${message}` : text;
}

export function cameraText(error) {
  switch (error.name) {
    case 'NotAllowedError': return 'The camera and microphone are blocked for this page. Allow them in the address bar, or send the test picture.';
    case 'NotFoundError': return 'No camera or microphone was found. You can send the test picture or just watch.';
    case 'NotReadableError': return 'Another program is using the camera. Close it, or send the test picture.';
    default: return `The camera could not be started (${error.message}).`;
  }
}
