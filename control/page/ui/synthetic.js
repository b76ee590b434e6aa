/** A moving picture with the time in it and a soft chime each second: something to send without a camera. */
export function syntheticStream({ name = '', width = 1280, height = 720, fps = 30 } = {}) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d', { alpha: false });
  const hue = [...name].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 360, 190);
  const timer = setInterval(() => draw(context, width, height, hue, name), 1000 / fps);
  draw(context, width, height, hue, name);
  const video = canvas.captureStream(fps).getVideoTracks()[0];

  const audio = new AudioContext();
  const output = audio.createMediaStreamDestination();
  const tone = audio.createOscillator();
  const gain = audio.createGain();
  tone.frequency.value = 330 + hue;
  gain.gain.value = 0;
  tone.connect(gain).connect(output);
  tone.start();
  const chime = setInterval(() => {
    const now = audio.currentTime;
    gain.gain.setTargetAtTime(0.25, now, 0.01);
    gain.gain.setTargetAtTime(0, now + 0.25, 0.06);
  }, 1000);
  const stream = new MediaStream([video, output.stream.getAudioTracks()[0]]);
  stream.release = () => {
    clearInterval(timer);
    clearInterval(chime);
    for (const track of stream.getTracks()) track.stop();
    audio.close();
  };
  return stream;
}

function draw(context, width, height, hue, name) {
  const seconds = performance.now() / 1000;
  const gradient = context.createLinearGradient(0, 0, width, height);
  gradient.addColorStop(0, `hsl(${hue} 62% 34%)`);
  gradient.addColorStop(1, `hsl(${(hue + 60) % 360} 58% 18%)`);
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
  context.lineWidth = height / 90;
  for (let i = 0; i < 4; ++i) {
    context.strokeStyle = `hsl(${(hue + i * 24) % 360} 80% 68% / ${0.75 - i * 0.15})`;
    context.beginPath();
    for (let step = 0; step <= 48; ++step) {
      const x = (width * step) / 48;
      const y = height * (0.36 + i * 0.11) + Math.sin(x / width * 7 + seconds * (1.4 + i * 0.3) + i) * height * 0.06;
      x === 0 ? context.moveTo(x, y) : context.lineTo(x, y);
    }
    context.stroke();
  }
  const x = width * (0.5 + 0.34 * Math.cos(seconds));
  const y = height * (0.5 + 0.3 * Math.sin(seconds * 1.3));
  context.fillStyle = `hsl(${(hue + 180) % 360} 85% 70%)`;
  context.beginPath();
  context.arc(x, y, height / 14, 0, Math.PI * 2);
  context.fill();
  context.fillStyle = '#fff';
  context.font = `600 ${height / 11}px system-ui, sans-serif`;
  context.textAlign = 'left';
  context.fillText(name, width * 0.05, height * 0.16, width * 0.9);
  context.font = `${height / 15}px ui-monospace, monospace`;
  context.fillText(new Date().toISOString().slice(11, 23), width * 0.05, height * 0.27);
}
