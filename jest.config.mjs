/** Tests run the TypeScript sources as ES modules; only worker and child processes run the built files. */
export default {
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: 'node',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  moduleNameMapper: { '^eegtorch$': '<rootDir>/lib/index.ts' },
  setupFilesAfterEnv: ['<rootDir>/test/seed.ts'],
  maxWorkers: 2,
  // For what hangs: a busy machine may need minutes for what takes seconds.
  testTimeout: 300_000,
  workerIdleMemoryLimit: '2GB',
}
