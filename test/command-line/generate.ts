import { writeFile } from 'node:fs/promises';
import { page, pageFile } from './page.js';

await writeFile(pageFile, page());
