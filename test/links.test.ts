import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import t from 'tap';

interface Link {
  readonly file: string;
  readonly target: string;
}

const isPage = (path: string): boolean => path.endsWith('.md');

/** What is between fences is no Markdown. */
const prose = (file: string): string => readFileSync(file, 'utf8').replaceAll(/^```.*?^```/gms, '');

/** Of a heading, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');

const anchorsIn = (file: string): readonly string[] =>
  [...prose(file).matchAll(/^#+ (.*?) *$/gm)].map(([, heading = '']) => anchorOf(heading));

function isBroken({ file, target }: Link): boolean {
  const [path = '', anchor] = target.split('#');
  const found = path === '' ? file : normalize(join(dirname(file), path));
  return !existsSync(found) || (anchor !== undefined && isPage(found) && !anchorsIn(found).includes(anchor));
}

const notOurs = ['.git', '.tap', 'dist', 'node_modules'];

function pagesIn(folder: string): readonly string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !notOurs.includes(name));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? pagesIn(path) : isPage(path) ? [path] : [];
  });
}

t.test('every link from a page of ours to another, or to a heading, leads there', async (t) => {
  const links = pagesIn('.')
    .flatMap((file) => [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ file, target })))
    .filter(({ target }) => !/^[a-z]+:/.test(target));
  t.ok(links.length > 200, `${links.length} links`);
  t.same(links.filter(isBroken), []);
});
