import { readFileSync } from 'node:fs';
import t from 'tap';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const lines = (name: string) =>
  read(name)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

/** What the image is made of, from the checkout. */
const copied = lines('Dockerfile')
  .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
  .flatMap((line) => line.split(/\s+/).slice(1, -1));

t.test('all that the image copies is in what a build is sent', async (t) => {
  const ignored = lines('.dockerignore');
  t.equal(ignored[0], '*', 'nothing is sent that is not named');
  const sent = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  t.same(
    copied.filter((source) => !sent.includes(source)),
    [],
  );
});

t.test('all folders that the program imports from are in the image', async (t) => {
  const { imports, files } = JSON.parse(read('package.json')) as {
    readonly imports: Readonly<Record<string, string>>;
    readonly files: readonly string[];
  };
  const folders = Object.keys(imports).flatMap((name) => /^#(\w+)\/\*$/.exec(name)?.[1] ?? []);
  const shipped = folders.filter((name) => files.includes(`dist/${name}`));
  t.ok(shipped.length > 3);
  t.same(
    shipped.filter((name) => !copied.includes(name)),
    [],
  );
});
