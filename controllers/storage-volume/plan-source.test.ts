import t from 'tap';
import type { MachineId, Pool, PoolId } from '#drivers/driver.js';
import { everything } from '#drivers/fake/capabilities.js';
import { planSource, type SourceSituation } from './plan-source.js';
import type { CloneSource, Original } from './source.js';

const poolOf = (name: string, active = true): Pool => ({
  id: name as PoolId,
  uuid: name,
  nativeName: name,
  active,
  formats: ['Qcow2', 'Raw'],
  can: ['create', 'delete', 'grow', 'stream'],
  capacityBytes: 1,
  allocationBytes: 0,
  availableBytes: 1,
});
const original: Original = { poolUuid: 'fast', nativeName: 'shop.base-1', location: '/p/base', format: 'Raw' };
const cloneOf = (how: 'Full' | 'Linked', of: Original | string = original): CloneSource => ({
  kind: 'clone',
  how,
  name: 'base',
  original: of,
});
const user = (off: boolean) => ({ id: 'm' as MachineId, nativeName: 'shop.m', off });
const situation = (change: Partial<SourceSituation> = {}): SourceSituation => ({
  host: 'one',
  pool: poolOf('fast'),
  sourcePool: poolOf('fast'),
  capabilities: everything,
  sourceUsers: [],
  ...change,
});

t.test('a clone is made once its source is there and nobody writes to it', async (t) => {
  const rows: readonly (readonly [string, CloneSource, Partial<SourceSituation>, string])[] = [
    ['all is well', cloneOf('Full'), {}, 'Full'],
    ['all is well, linked', cloneOf('Linked'), {}, 'Linked'],
    ['the source is not there', cloneOf('Full', 'it is not on one'), {}, 'wait WaitingForSource'],
    ['its machine is on', cloneOf('Full'), { sourceUsers: [user(false)] }, 'wait SourceInUse'],
    ['its machine is off', cloneOf('Full'), { sourceUsers: [user(true)] }, 'Full'],
    ['its machine is off, linked', cloneOf('Linked'), { sourceUsers: [user(true)] }, 'wait SourceInUse'],
    ['a machine claims it', cloneOf('Full', { ...original, claimedBy: 'm' }), {}, 'Full'],
    ['a machine claims it, linked', cloneOf('Linked', { ...original, claimedBy: 'm' }), {}, 'wait SourceInUse'],
    ['a machine hangs', cloneOf('Full'), { unread: 'x hangs' }, 'wait UseUnknown'],
    ['its pool is off', cloneOf('Full'), { sourcePool: poolOf('fast', false) }, 'wait WaitingForPool'],
    ['another pool', cloneOf('Full'), { sourcePool: poolOf('slow') }, 'Full'],
    ['another pool, linked', cloneOf('Linked'), { sourcePool: poolOf('slow') }, 'refuse Unfit'],
    ['a host without clones', cloneOf('Full'), { capabilities: [] }, 'refuse Unfit'],
    ['a host without links', cloneOf('Linked'), { capabilities: [{ field: 'volumes.clone', values: ['Full'] }] }, 'refuse Unfit'],
  ];
  for (const [name, source, change, expected] of rows) {
    const planned = planSource(source, situation(change));
    const found =
      planned?.kind === 'hindered'
        ? `${planned.decision.kind} ${planned.decision.kind === 'act' ? '' : planned.decision.reason}`
        : planned?.kind === 'clone' && planned.how;
    t.equal(found, expected, name);
  }
  t.same(planSource(cloneOf('Full'), situation()), {
    kind: 'clone',
    how: 'Full',
    name: 'base',
    from: { id: { pool: 'fast', nativeName: 'shop.base-1' }, format: 'Raw' },
    location: '/p/base',
  });
  t.match(planSource(cloneOf('Full'), situation({ capabilities: [] })), {
    decision: { because: 'spec.source.clone: Full given, one accepts nothing there' },
  });
});
