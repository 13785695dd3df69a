import type { Condition, Term } from './parse.js';

/** One property of the object in question; `__SERVER` and `__PATH` as well. Undefined is null. */
export type Look = (name: string) => string | undefined;

export type Judge = (look: Look) => boolean;

/** Null compares with nothing, and texts in whatever case. Made once for all objects, as a pattern costs more to make than to try. */
export function judgeOf(condition: Condition): Judge {
  if (condition.kind === 'always') return () => true;
  if (condition.kind === 'and' || condition.kind === 'or') return joined(condition.kind, condition.all.map(judgeOf));
  if (condition.kind === 'not') return opposite(judgeOf(condition.of));
  if (condition.kind === 'isNull') return (look) => valueOfTerm(condition.of, look) === undefined;
  const { left, right } = condition;
  const compare = comparison(condition.operator, right);
  return (look) => {
    const [one, other] = [valueOfTerm(left, look), valueOfTerm(right, look)];
    return one !== undefined && other !== undefined && compare(one, other);
  };
}

const opposite =
  (judge: Judge): Judge =>
  (look) =>
    !judge(look);

const joined = (kind: 'and' | 'or', all: readonly Judge[]): Judge =>
  kind === 'and' ? (look) => all.every((each) => each(look)) : (look) => all.some((each) => each(look));

function valueOfTerm(term: Term, look: Look): string | undefined {
  return term.kind === 'constant' ? term.text : look(term.name);
}

function comparison(operator: string, right: Term): (one: string, other: string) => boolean {
  if (operator !== 'like') return (one, other) => compares(one, operator, other);
  if (right.kind === 'property') return (one, other) => pattern(other).test(one);
  const constant = pattern(right.text);
  return (one) => constant.test(one);
}

function compares(left: string, operator: string, right: string): boolean {
  const order = orderOf(left, right);
  if (operator === '=') return order === 0;
  if (operator === '!=' || operator === '<>') return order !== 0;
  if (operator === '<') return order < 0;
  if (operator === '>') return order > 0;
  return operator === '<=' ? order <= 0 : order >= 0;
}

const number = /^[+-]?\d+$/;

function orderOf(left: string, right: string): number {
  const [one, other] = number.test(left) && number.test(right) ? [BigInt(left), BigInt(right)] : [left.toLowerCase(), right.toLowerCase()];
  return one < other ? -1 : one > other ? 1 : 0;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** `%` is anything, `_` any one character, `[a-z]` one of these, and `[^a-z]` any other; what is not closed means itself. */
function pattern(like: string): RegExp {
  const source = like.replace(/\[(\^?)([^\]]+)\]|%|_|./gsu, (part, not: string | undefined, among: string | undefined) => {
    if (among !== undefined) return `[${not ?? ''}${ranges(among)}]`;
    if (part === '%') return '.*';
    return part === '_' ? '.' : escaped(part);
  });
  return new RegExp(`^${source}$`, 'is');
}

/** A range the wrong way round has nothing in it. */
const ranges = (among: string): string =>
  among.replace(/(.)-(.)|./gsu, (part, from: string | undefined, to: string | undefined) => {
    if (from === undefined || to === undefined) return escaped(part);
    return from <= to ? `${escaped(from)}-${escaped(to)}` : '';
  });
