import hooks, { type AsyncHook } from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';

// To be loaded before tap, which else has every promise followed by hooks, so that it knows in which test an error was thrown that nobody caught. That takes
// a sixteenth of the processors' time. Without hooks such an error fails its file, and may end it.
const none: AsyncHook = { enable: () => none, disable: () => none };
Object.assign(hooks, { createHook: () => none });
syncBuiltinESMExports();
