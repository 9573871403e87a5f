// Rules with types for the TypeScript; the rest gets those that need none. Formatting is prettier's business, and who
// imports whom in detail that of scripts/check-house.mjs: here editors show the restrictions that matter most.

import tseslint from 'typescript-eslint';

const nodeGlobals = [
  'process',
  'console',
  'performance',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'structuredClone',
];
const webGlobals = ['AbortController', 'AbortSignal', 'URL', 'Worker', 'MessageChannel', 'Buffer', 'globalThis', 'gc'];

const restrict = (files, patterns, ignores = []) => ({
  files,
  ignores,
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});
const native = { regex: '^node-gyp-build$|(?:^|/)native/', message: 'Only lib/native.ts loads the addon.' };
const libInside = {
  regex: String.raw`^(?:\.\./)+lib/(?!index\.js$)`,
  message: 'Tests and benches use the package as a user does: lib/index.js.',
};

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'build-*/', 'prebuilds/', 'coverage/', 'bench/peers/node_modules/', '**/*.d.ts'] },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      ecmaVersion: 2024,
      globals: Object.fromEntries([...nodeGlobals, ...webGlobals].map((name) => [name, 'readonly'])),
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-undef': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.cjs', 'bench/**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: {
        require: 'readonly',
        module: 'writable',
        exports: 'writable',
        __dirname: 'readonly',
        __filename: 'readonly',
      },
    },
  },
  {
    files: ['lib/**/*.{ts,mts}', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json', './test/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // `noUncheckedIndexedAccess` makes every element possibly undefined; where it is not, `!` says so.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // The library checks what its types promise, because JavaScript callers break promises.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
    },
  },
  { files: ['lib/cli/**'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Tests hand over what the types forbid.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['test/types/**'],
    // Made of what does not compile.
    extends: [tseslint.configs.disableTypeChecked],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/ban-ts-comment': ['error', { minimumDescriptionLength: 5 }],
    },
  },
  restrict(['lib/**/*.ts'], [native], ['lib/native.ts', 'lib/cli/**']),
  restrict(['lib/checks/**/*.ts'], [native, { regex: '/native\\.js$', message: 'Checks are pure.' }]),
  restrict(['test/oracle/*.ts'], [{ regex: '/lib/|/native/', message: 'The oracle must be able to disagree.' }]),
  restrict(['test/parity/**/*.ts', 'test/support/**/*.ts', 'test/lifetime/**/*.ts', 'bench/**/*.mjs'], [libInside]),
);
