// Small pictures on canvas.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function prepared(canvas) {
  const scale = devicePixelRatio || 1;
  const width = canvas.clientWidth; const height = canvas.clientHeight;
  canvas.width = width * scale; canvas.height = height * scale;
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  return { context, width, height };
}

/** Lines of one scale; `series`: [[numbers, '--colour'], ...]. */
export function drawLines(canvas, series) {
  const { context, width, height } = prepared(canvas);
  const most = Math.max(1, ...series.flatMap(([values]) => values));
  for (const [values, name] of series) {
    if (values.length < 2) continue;
    const step = width / (values.length - 1);
    const y = (value) => height - 2 - (value / most) * (height - 6);
    context.beginPath();
    values.forEach((value, i) => context.lineTo(i * step, y(value)));
    context.strokeStyle = colour(name); context.lineWidth = 1.6; context.lineJoin = 'round'; context.stroke();
    context.lineTo(width, height); context.lineTo(0, height); context.closePath();
    context.globalAlpha = 0.12; context.fillStyle = colour(name); context.fill(); context.globalAlpha = 1;
  }
}

/** Bars of a latency histogram, with its bounds below. */
export function drawHistogram(canvas, boundsUs, counts) {
  const { context, width, height } = prepared(canvas);
  const most = Math.max(1, ...counts);
  const step = width / counts.length;
  context.font = '9.5px system-ui, sans-serif'; context.textAlign = 'center';
  counts.forEach((value, i) => {
    // Logarithmic: one packet in ten thousand that was late is what one looks for.
    const tall = value === 0 ? 0 : Math.max(2, (Math.log10(value + 1) / Math.log10(most + 1)) * (height - 18));
    const lower = i === 0 ? 0 : boundsUs[i - 1];
    context.fillStyle = colour(lower >= 10000 ? '--bad' : lower >= 1000 ? '--warn' : '--accent');
    context.fillRect(i * step + 1, height - 14 - tall, step - 2, tall);
    context.fillStyle = colour('--soft');
    const text = i === counts.length - 1 ? '…' : boundsUs[i] >= 1000 ? `${boundsUs[i] / 1000}ms` : `${boundsUs[i]}µ`;
    if (i % 2 === 0 || step > 34) context.fillText(text, i * step + step / 2, height - 3);
  });
}
