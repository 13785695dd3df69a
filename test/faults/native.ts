/** Where each device sits, by its alias: what a guest calls it goes by that. */
export function places(xml: string): Readonly<Record<string, string>> {
  const devices = xml.match(/<(disk|interface)\b.*?<\/\1>/gs) ?? [];
  return Object.fromEntries(
    devices.map((device) => [/alias name='([^']*)/.exec(device)?.[1] ?? '', /<address [^>]*>/.exec(device)?.[0] ?? '']),
  );
}

export const macs = (xml: string): readonly string[] => [...xml.matchAll(/<mac address='([^']*)'/g)].map(([, mac = '']) => mac);

/** The lines that one text has and the other has not. */
export function linesThatDiffer(before: string, after: string): { readonly gone: readonly string[]; readonly come: readonly string[] } {
  const [was, is] = [before, after].map((text) => text.split('\n').map((line) => line.trim())) as [string[], string[]];
  return { gone: was.filter((line) => !is.includes(line)), come: is.filter((line) => !was.includes(line)) };
}
