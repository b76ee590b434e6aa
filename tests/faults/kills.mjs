// Kills processes of a running server at random moments while calls run on it, and counts what the subscribers got.
//
//   node tests/faults/kills.mjs [--victim worker|control|handshaker|keeper|supervisor|all] [--kills 100] [--rooms 10]
//                               [--signal SIGKILL|SIGSEGV|SIGSTOP] [--seed 1] [--no-pair] [--report FILE]
//
// Rooms of two publishers and five subscribers, audio and video: ten rooms are 200 streams. A pair of runs, with and without
// kills, of the same length. `sluice-load` decrypts every packet and fails on a repeated index (SRTP and SRTCP). Exit
// status: 0, or 1 when a promise of docs/reliability.md did not hold. SLUICE_BIN_DIR names the programs to use.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startLoad } from '../browser/support/load.mjs';
import { startServer } from '../browser/support/server.mjs';

export const VICTIMS = ['worker', 'control', 'handshaker', 'keeper', 'supervisor'];
/** Upper ends of the classes in which gaps are counted; what is shorter than three packet times is no gap. */
export const CLASSES_MS = [100, 150, 250, 500, 1000, 2000];
/** After a kill, how long a gap may begin to be called its doing. */
const BLAMED_MS = 1000;

/** Seeded, so that a run can be repeated as far as real processes allow. */
export function randomOf(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13; state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5; state >>>= 0;
    return state / 2 ** 32;
  };
}

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** One run: `kills` times, a victim dies. Everything that its subscribers saw. */
export async function run({ victims, kills, rooms, signal = 'SIGKILL', seed = 1, seconds, options = {} }) {
  const random = randomOf(seed);
  const server = await startServer({ 'workers.count': 1, 'signaling.maxPeersPerRoom': 50, ...options }, { junk: false });
  const load = startLoad(server, { rooms, publishers: 2, subscribers: 5, audio: true, video: true, bitrate: 150000, warmup: 4, duration: seconds, seed });
  const deaths = [];
  try {
    await load.begun();
    const end = Date.now() + seconds * 1000;
    const period = (seconds * 1000 - 1500) / Math.max(kills, 1);
    for (let i = 0; i < kills; ++i) {
      // Somewhere in its own part of the time, so that the phase against all timers is random and kills keep a distance.
      const at = end - seconds * 1000 + (i + 0.15 + 0.6 * random()) * period;
      await sleep(Math.max(0, at - Date.now()));
      const victim = victims[i % victims.length];
      const death = await server.killOne(victim, signal);
      if (death) deaths.push({ victim, ...death });
    }
    const how = await load.ended;
    const report = load.report();
    const gaps = load.events().filter((event) => event.event === 'gap_end');
    return { server, how, report, deaths, gaps, log: server.log() };
  } finally {
    load.dispose();
    await server.stop().catch((error) => { process.stderr.write(`${error.message}\n`); });
  }
}

/** The longest gap of each stream that each death can be blamed for, in classes. */
export function histogramOf(result) {
  const streams = result.report.streams.expected;
  const histogram = Object.fromEntries([['none', 0], ...CLASSES_MS.map((ms) => [`<=${ms}`, 0]), ['more', 0]]);
  const lengths = [];
  for (const death of result.deaths) {
    const worst = new Map();
    for (const gap of result.gaps) {
      const begin = gap.begin_ms;
      if (gap.time_ms < death.timeMs || begin > death.timeMs + BLAMED_MS) continue;
      const key = `${gap.room}/${gap.publisher}/${gap.subscriber}/${gap.kind}`;
      worst.set(key, Math.max(worst.get(key) ?? 0, gap.gap_ms));
    }
    histogram.none += streams - worst.size;
    for (const ms of worst.values()) {
      lengths.push(ms);
      const end = CLASSES_MS.find((limit) => ms <= limit);
      histogram[end === undefined ? 'more' : `<=${end}`] += 1;
    }
  }
  // Streams without a counted gap come first: their gap is shorter than any of these.
  const total = streams * result.deaths.length;
  lengths.sort((a, b) => a - b);
  const quantile = (q) => {
    const rank = Math.ceil(q * total) - 1 - (total - lengths.length);
    return rank < 0 ? 0 : lengths[rank];
  };
  return { histogram, p50: quantile(0.5), p99: quantile(0.99), worst: lengths.at(-1) ?? 0, total };
}

export function describe(name, result) {
  const { report, deaths } = result;
  const { histogram, p50, p99, worst, total } = histogramOf(result);
  const ms = (value) => (value === 0 ? 'below a gap' : `${value.toFixed(0)} ms`);
  const lines = [
    `${name}: ${deaths.length} deaths under ${report.streams.expected} streams, ${report.packets.forwarded} packets`,
    `  streams never up ${report.streams.never_up}, dead at the end ${report.streams.dead}; packets lost ${report.packets.lost}, ` +
      `duplicates ${report.packets.duplicates}, index repeats ${report.index_audit?.repeats ?? 0}`,
  ];
  if (deaths.length > 0) {
    lines.push(`  gaps of ${total} stream-deaths: ${Object.entries(histogram).map(([k, v]) => `${k} ${v}`).join(', ')}`);
    lines.push(`  p50 ${ms(p50)}, p99 ${ms(p99)}, longest ${ms(worst)}`);
  }
  return lines.join('\n');
}

async function main() {
  const { values } = parseArgs({
    options: {
      victim: { type: 'string', default: 'worker' }, kills: { type: 'string', default: '100' }, rooms: { type: 'string', default: '10' },
      signal: { type: 'string', default: 'SIGKILL' }, seed: { type: 'string', default: '1' }, 'no-pair': { type: 'boolean', default: false },
      report: { type: 'string' },
    },
  });
  const victims = values.victim === 'all' ? VICTIMS : [values.victim];
  const kills = Number(values.kills);
  const seconds = Math.ceil(kills * 1.6 + 2);
  const common = { victims, rooms: Number(values.rooms), seed: Number(values.seed), seconds, signal: values.signal };
  process.stdout.write(`${kills} deaths of ${victims.join(', ')} in ${seconds} s\n`);
  const killed = await run({ ...common, kills });
  process.stdout.write(`${describe('with kills', killed)}\n`);
  let quiet;
  if (!values['no-pair']) {
    quiet = await run({ ...common, kills: 0 });
    process.stdout.write(`${describe('without', quiet)}\n`);
  }
  if (values.report) {
    writeFileSync(values.report, JSON.stringify({ victims, kills, killed: { ...histogramOf(killed), report: killed.report, deaths: killed.deaths }, quiet: quiet?.report }, null, 1));
  }
  const broken = brokenPromises(victims, killed);
  for (const promise of broken) process.stdout.write(`BROKEN: ${promise}\n`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

/** What docs/reliability.md promises whatever the machine is like; times are reported, not judged. */
export function brokenPromises(victims, result) {
  const { report, how, deaths } = result;
  const broken = [];
  if (how.code === 3 || (report.index_audit?.repeats ?? 0) > 0) broken.push('an index was used twice');
  if (how.code !== 0 && how.code !== 3) broken.push(`sluice-load ended with status ${how.code ?? how.signal}: ${how.errors}`);
  if (report.streams.never_up + report.streams.dead > 0) broken.push('a stream did not go on');
  if (deaths.length === 0) broken.push('nobody died');
  if (!victims.includes('worker') && report.packets.lost > 0) broken.push(`${report.packets.lost} packets were lost though no worker died`);
  return broken;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
