// Three Chromiums in one room for some minutes; prints what a person would notice, and the memory of the server.
//   SLUICE_BIN_DIR=build/release/bin node tests/browser/soak.mjs [minutes = 5] [lines = 540]
// Not a test of ctest: it wants the machine to itself. Ends with 1 when a picture or a sound stopped or packets were lost.
import { joinPage, everyoneSeesEveryone, peerIdOf, received, sentLayers, startBrowser } from './support/browser.mjs';
import { framesSeen, restartFrameWatch, watchFrames } from './support/frame_probe.mjs';
import { startServer } from './support/server.mjs';

const minutes = Number(process.argv[2] ?? 5);
const height = Number(process.argv[3] ?? 540);
const STEP_MS = 30_000;

const server = await startServer({}, { junk: false });
const browsers = [];
let failed = false;
const complain = (text) => { failed = true; console.log(`PROBLEM: ${text}`); };
try {
  const pages = [];
  for (const [name, source] of [['Alice', 'camera'], ['Bob', 'synthetic'], ['Carol', 'camera']]) {
    browsers.push(await startBrowser());
    pages.push(await joinPage(browsers.at(-1), server, { name, room: 'soak', source, height, steady: false }));
  }
  await everyoneSeesEveryone(pages);
  const ids = await Promise.all(pages.map(peerIdOf));
  const nameOf = new Map(ids.map((id, i) => [id, 'ABC'[i]]));
  await new Promise((resolve) => setTimeout(resolve, 10_000)); // the time of joining does not count
  for (const page of pages) await watchFrames(page);
  for (const page of pages) await restartFrameWatch(page);
  const memoryAtStart = server.memory();
  let before = await Promise.all(pages.map(received));
  const first = before;
  const rate = (now, was) => `${Math.round((now - was) / (STEP_MS / 1000))}`;
  for (let at = STEP_MS; at <= minutes * 60_000; at += STEP_MS) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    const now = await Promise.all(pages.map(received));
    const cells = now.flatMap((rows, i) => rows.map((row) => {
      const was = before[i].find((candidate) => candidate.mid === row.mid);
      if (row.kind === 'audio') {
        if (row.energy <= was.energy) complain(`${'ABC'[i]} does not hear ${nameOf.get(row.peer)}`);
        return null;
      }
      if (row.frames <= was.frames) complain(`${'ABC'[i]} does not see ${nameOf.get(row.peer)}`);
      return `${nameOf.get(row.peer)}>${'ABC'[i]} ${row.height}p ${rate(row.frames, was.frames)} fps`;
    }).filter(Boolean));
    console.log(`${String(at / 1000).padStart(4)} s  ${cells.join('  ')}`);
    before = now;
  }
  console.log('\nsince the start: freezes (time), longest gap between frames, lost, NACKs, PLIs');
  for (const [i, page] of pages.entries()) {
    const seen = await framesSeen(page);
    for (const row of before[i]) {
      const was = first[i].find((candidate) => candidate.mid === row.mid);
      const gap = row.kind === 'video' ? `, longest gap ${seen[row.peer].longestGapMs} ms` : '';
      const freezes = row.kind === 'video' ? `${row.freezes - was.freezes} freezes (${(row.frozen - was.frozen).toFixed(2)} s)${gap}, ` : '';
      console.log(`  ${nameOf.get(row.peer)} at ${'ABC'[i]} ${row.kind}: ${freezes}${row.lost - was.lost} lost, ${row.nacks - was.nacks} NACKs, ${row.plis - was.plis} PLIs`);
      if (row.lost !== was.lost) complain(`${row.lost - was.lost} packets lost`);
      if (row.kind === 'video' && row.freezes !== was.freezes) complain(`${row.freezes - was.freezes} freezes`);
    }
    console.log(`  ${'ABC'[i]} sends ${JSON.stringify(await sentLayers(page))}`);
    for (const problem of page.problems) complain(`console of ${'ABC'[i]}: ${problem}`);
  }
  console.log('\nresident memory of the server, KiB: start -> end');
  const memoryAtEnd = server.memory();
  for (const [process, bytes] of Object.entries(memoryAtEnd)) {
    console.log(`  ${process}: ${Math.round((memoryAtStart[process] ?? 0) / 1024)} -> ${Math.round(bytes / 1024)}`);
  }
} finally {
  for (const browser of browsers) await browser.close();
  const how = await server.stop();
  if (how.code !== 0) complain(`the server ended with ${JSON.stringify(how)}`);
}
process.exit(failed ? 1 : 0);
