import { badRequest } from '../requests/status.js';

export const numberOf = (query: URLSearchParams, name: string): number => {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  if (!/^\d{1,9}$/.test(text)) throw badRequest(`${name}: ${JSON.stringify(text)} was given; accepted: a whole number`);
  return Number(text);
};

export const flagOf = (query: URLSearchParams, name: string): boolean => {
  const text = query.get(name);
  if (text === null || text === 'false' || text === '0') return false;
  if (text === '' || text === 'true' || text === '1') return true;
  throw badRequest(`${name}: ${JSON.stringify(text)} was given; accepted: true, false`);
};

export function dryRunOf(query: URLSearchParams): boolean {
  const given = query.getAll('dryRun');
  if (given.some((one) => one !== 'All' && one !== '')) throw badRequest(`dryRun: ${given.join(', ')} was given; accepted: All`);
  return given.includes('All');
}

export function validationOf(query: URLSearchParams): 'Strict' | 'Warn' | 'Ignore' {
  const given = query.get('fieldValidation') || 'Warn';
  if (given === 'Strict' || given === 'Warn' || given === 'Ignore') return given;
  throw badRequest(`fieldValidation: ${JSON.stringify(given)} was given; accepted: Strict, Warn, Ignore`);
}

/** Who writes, when it does not say: what calls, as `kubectl` of `kubectl/v1.36 (linux/amd64)`. */
export const managerOf = (query: URLSearchParams, agent: string | undefined): string =>
  (query.get('fieldManager') || (agent ?? '').split('/')[0] || 'unknown').slice(0, 128);
