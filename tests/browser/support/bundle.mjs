// Client code that imports npm packages by name, as an application would write it: for Node and for Chromium.
import { build } from 'esbuild';
import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(new URL('../', import.meta.url));
const modules = `${here}node_modules`;

/** Imports an ES module whose packages are those of the tests, wherever the file lies. */
export async function importWithPackages(file) {
  mkdirSync(`${modules}/.bundles`, { recursive: true });
  const outfile = `${modules}/.bundles/${process.pid}-${basename(file)}.mjs`;
  await build({ entryPoints: [file], bundle: true, packages: 'external', format: 'esm', platform: 'node', outfile, logLevel: 'error' });
  return import(pathToFileURL(outfile));
}

/** The text of a script for a browser; what the module exports becomes `window[name]`. */
export async function bundleForBrowser(file, name) {
  const result = await build({
    entryPoints: [file], bundle: true, format: 'iife', globalName: name, platform: 'browser', write: false, nodePaths: [modules],
    define: { global: 'globalThis' }, logLevel: 'error',
  });
  return result.outputFiles[0].text;
}

/**
 * A page of the server's own origin with that script in it; `page.problems` collects what the console calls an error. It is
 * the server's "no such page": bare, without a policy for scripts, and truly from the server (Chromium lets a page that a test
 * made up reach nothing on loopback).
 */
export async function openPageWith(browser, server, script) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${server.url}no-such-page`);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    const isOwn = /\/(no-such-page|favicon\.ico)$/.test(message.location().url); // that there is no such page is no news
    if (message.type() === 'error' && !isOwn) page.problems.push(message.text());
  });
  if (script) await page.addScriptTag({ content: script });
  return page;
}
