const utf16 = /^utf-?16(le|be)?$/i;

/** What WinRM takes (DSP0226): UTF-8 and UTF-16, as is said or a mark shows; undefined for any other. */
export function decoded(body: Buffer, contentType: string): { readonly text: string; readonly isWide: boolean } | undefined {
  const said = /charset="?([^";\s]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  const mark = body.subarray(0, 2).toString('hex');
  const isBig = mark === 'feff' || (/be$/i.test(said) && mark !== 'fffe');
  if (mark === 'fffe' || mark === 'feff' || utf16.test(said))
    return { text: new TextDecoder(isBig ? 'utf-16be' : 'utf-16le').decode(body), isWide: true };
  return /^utf-?8$/i.test(said) ? { text: new TextDecoder('utf-8').decode(body), isWide: false } : undefined;
}

/** Who asks in UTF-16 is answered in it. */
export const wide = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le');
export const wideType = 'application/soap+xml;charset=UTF-16';
