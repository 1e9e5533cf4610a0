/** ava's configuration for `npm run test:long`: what takes too long for every change. */
// biome-ignore lint/style/noDefaultExport: ava asks for one
export default {
  files: ['test/long/**/*.long.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=tsx', '--expose-gc'],
  workerThreads: false,
  concurrency: 1,
  timeout: '30m',
};
