import { DriverError } from '#drivers/error.js';
import { withChild, withoutChildren, withText } from '#drivers/xml/edit.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import type { Names } from './names.js';
import { namesInMetadata } from './names-in-metadata.js';

/** With what our line of a description begins; above it is what others wrote. */
const beginning = 'virtwright: ';

/**
 * For drivers of libvirt's that keep no metadata and give a description back to the letter: our metadata are its last line. Others' metadata
 * such a host loses in any case.
 */
export const namesInDescription: Names = {
  read: (native) => {
    const metadata = metadataIn(textOf(child(native, 'description')));
    if (metadata === undefined) return native;
    const bare = withoutChildren(native, (each) => each.name === 'metadata');
    return namesInMetadata.read(withChild(bare, metadata, (each) => each));
  },
  write: (domain) => {
    const named = namesInMetadata.write(domain);
    const metadata = child(named, 'metadata') ?? element('metadata');
    const ours = `${beginning}${serializeXml(metadata).replaceAll('\n', '&#10;')}`;
    const described = withChild(named, element('description'), (each) => withText(each, [...theirsIn(textOf(each)), ours].join('\n')));
    return withoutChildren(described, (each) => each.name === 'metadata');
  },
};

const theirsIn = (description = ''): readonly string[] =>
  description.split('\n').filter((line) => line !== '' && !line.startsWith(beginning));

/** A line that somebody cut or mended is none of ours any more. */
function metadataIn(description = ''): XmlElement | undefined {
  const line = description.split('\n').find((each) => each.startsWith(beginning));
  try {
    return line === undefined ? undefined : parseXml(line.slice(beginning.length), 'description');
  } catch (reason) {
    if (reason instanceof DriverError) return undefined;
    throw reason;
  }
}
