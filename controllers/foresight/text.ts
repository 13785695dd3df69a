import type { Classed } from '../virtual-machine/changes.js';
import type { Outcome } from './outcome.js';
import type { Step } from './steps.js';

export type Paint = (text: string, colour: 'red' | 'green' | 'yellow' | 'bold') => string;

/** A plan, for people: by object what would be done and why, what waits, and what does not come about. Pure. */
export function planText({ steps, waits, troubles }: Outcome, paint: Paint): string {
  const parts = grouped(steps).map((all) =>
    [paint(heading(all[0] as Step), 'bold'), ...all.flatMap((step) => stepLines(step, paint))].join('\n'),
  );
  const waiting = waits.map(({ field, reason, message, ...one }) => `  ${place(one)} ${field}: ${paint(reason, 'yellow')}, ${message}`);
  const wrong = troubles.map(
    ({ reason, message, ...one }) => `  ${place(one)}: ${paint(reason, 'red')}${message === '' ? '' : `, ${message}`}`,
  );
  return [
    ...parts,
    ...(waiting.length === 0 ? [] : [`${paint('Waits', 'bold')}\n${waiting.join('\n')}`]),
    ...(wrong.length === 0 ? [] : [`${paint('Does not come about', 'bold')}\n${wrong.join('\n')}`]),
    summary({ steps, waits, troubles }),
    '',
  ].join('\n');
}

export const stepLines = ({ action, because, changes = [] }: Step, paint: Paint): readonly string[] => [
  `  ${paint(action, colourOf(action))}: ${because}`,
  ...changes.map((change) => `    ${changeLine(change, paint)}`),
];

const changeLine = ({ field, class: kind, reason }: Classed, paint: Paint): string =>
  `${field}: ${paint(kind, kind === 'Live' || kind === 'Hotplug' ? 'green' : 'yellow')}, ${reason}`;

const ending: ReadonlySet<string> = new Set(['Cut', 'Delete', 'Undefine', 'Leave', 'Wipe', 'Press', 'Stop', 'Reset']);
const colourOf = (action: string) => (ending.has(action) ? 'red' : 'green');

export const place = ({ kind, namespace, name }: Pick<Step, 'kind' | 'namespace' | 'name'>): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;

const heading = (step: Step): string => place(step);

function grouped(steps: readonly Step[]): readonly (readonly Step[])[] {
  const groups = new Map<string, Step[]>();
  for (const step of steps) groups.set(place(step), [...(groups.get(place(step)) ?? []), step]);
  return [...groups.values()];
}

function summary({ steps, waits, troubles }: Pick<Outcome, 'steps' | 'waits' | 'troubles'>): string {
  const objects = new Set(steps.map(place)).size;
  const todo = steps.length === 0 ? 'Nothing to do' : `${counted(steps.length, 'step')} for ${counted(objects, 'object')}`;
  const rest = [
    ...(waits.length === 0 ? [] : [`${counted(waits.length, 'change')} waiting`]),
    ...(troubles.length === 0 ? [] : [`${counted(troubles.length, 'object')} in trouble`]),
  ];
  return `${[todo, ...rest].join(', ')}.`;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** 0: nothing to do; 2: something; 1: something that was asked for does not come about. */
export const exitCodeOf = ({ steps, troubles }: Pick<Outcome, 'steps' | 'troubles'>): 0 | 1 | 2 =>
  troubles.length > 0 ? 1 : steps.length > 0 ? 2 : 0;
