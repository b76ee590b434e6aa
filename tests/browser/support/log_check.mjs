import assert from 'node:assert/strict';

/** Stops the server and fails if it did not end well or logged an error. SLUICE_TEST_LOG=1 prints the whole log. */
export async function stopCleanly(server, { allow = [] } = {}) {
  const how = await server.stop();
  if (process.env.SLUICE_TEST_LOG) console.error(server.log());
  assert.deepEqual(how, { code: 0, signal: null }, server.log());
  const errors = server.log().split('\n').filter((line) => /\b(level=error|error control|AddressSanitizer|assertion)\b/i.test(line))
    .filter((line) => !allow.some((pattern) => pattern.test(line)));
  assert.deepEqual(errors, [], server.log());
}
