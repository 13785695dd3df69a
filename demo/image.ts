import { open } from 'node:fs/promises';

/** What the machine boots from instead of a kernel of the demo's own. */
export interface Image {
  /** A path or a URL. */
  readonly from: string;
  readonly isUrl: boolean;
  readonly format: 'Raw' | 'Qcow2' | 'Vmdk' | 'Vhdx';
}

/** How files of each format begin; a raw one begins as it likes. */
const magics = [
  { format: 'Qcow2', magic: 'QFI\xfb' },
  { format: 'Vmdk', magic: 'KDMV' },
  { format: 'Vhdx', magic: 'vhdxfile' },
] as const;

/** Distributions call their qcow2 files so, too. */
const endings = { qcow2: 'Qcow2', img: 'Qcow2', vmdk: 'Vmdk', vhdx: 'Vhdx', raw: 'Raw' } as const;

/** Rejects with what would be accepted. Whoever typed the name is asked nothing more: the format is read off here, and declared. */
export async function imageOf(from: string): Promise<Image> {
  if (/^https?:\/\//.test(from)) return { from, isUrl: true, format: formatOfUrl(from) };
  const file = await open(from, 'r').catch((reason: NodeJS.ErrnoException) => {
    throw new Error(
      `IMAGE=${from}: ${reason.code === 'ENOENT' ? 'there is no such file' : reason.message}; accepted is a file, or a URL of http or https`,
    );
  });
  await using _closed = file;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
  const head = buffer.subarray(0, bytesRead).toString('latin1');
  return { from, isUrl: false, format: magics.find(({ magic }) => head.startsWith(magic))?.format ?? 'Raw' };
}

function formatOfUrl(url: string): Image['format'] {
  const ending = /\.([a-z0-9]+)$/i.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? '';
  if (Object.hasOwn(endings, ending)) return endings[ending as keyof typeof endings];
  throw new Error(
    `IMAGE=${url}: its format is not told by its end; accepted: ${Object.keys(endings)
      .map((one) => `.${one}`)
      .join(', ')}`,
  );
}
