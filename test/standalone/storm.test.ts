import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { storm } from './storm/storm.js';

/** So many rounds are tried, in so many seconds at most: more of both for who wants to be surer. */
const rounds = Number(process.env['VIRTWRIGHT_STORM_ROUNDS'] ?? 1_000);
const longestMs = Number(process.env['VIRTWRIGHT_STORM_SECONDS'] ?? 60) * 1000;
const timeout = longestMs + 120_000;
t.setTimeout(timeout);

t.test('no write that was acknowledged is lost, however often the server is killed', { timeout }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vw-storm-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { troubles, ...told } = await storm({ folder, writers: 8, rounds, longestMs });
  t.comment(told);
  t.same(troubles.slice(0, 20), []);
  t.ok(told.rounds >= 5, 'there were some rounds');
  t.ok(told.writes >= told.rounds * 5, 'and writes in them');
  t.ok(told.resumed > 0 && told.expired > 0, 'who watched went on, or was told to begin anew');
});
