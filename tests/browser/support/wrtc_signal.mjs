// The page's snippet for wrtc-signal as a module: Node 18 takes a plain .js file outside a package for CommonJS.
import { fileURLToPath } from 'node:url';
import { importWithPackages } from './bundle.mjs';

export const { appToken, enterRoom, openRoom, signIn } =
  await importWithPackages(fileURLToPath(new URL('../../../control/page/clients/wrtc-signal.js', import.meta.url)));
