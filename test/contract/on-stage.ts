import type { Test } from 'tap';
import { observed } from './shown/observed.js';
import { checkResults } from './shown/results.js';
import { Shown } from './shown/shown.js';
import { Stage, soon } from './stage.js';
import type { Subject } from './subject.js';

/** Lets the checks use the subject's driver, and compares what they have shown of it with what is written down. */
export async function onStage(t: Test, subject: Subject, checks: (stage: Stage) => Promise<void>): Promise<void> {
  const driver = await subject.connect();
  const shown = new Shown(subject);
  const { capabilities } = await driver.host.describe(soon());
  const stage = new Stage(subject, observed(driver, capabilities, shown));
  await checks(stage);
  const skip = !t.passing() && 'what did not pass shows nothing';
  await t.test('what was shown is what is written down of it', { skip }, async (t) => checkResults(t, shown.results, capabilities));
  await driver[Symbol.asyncDispose]();
}
