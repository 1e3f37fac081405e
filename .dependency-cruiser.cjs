/**
 * The import rule of the design as a check: who may import whom, and no cycles.
 * `allowedImports` is the one place to change when a folder may see another.
 */
const allowedImports = {
  core: [],
  metrics: [],
  ffmpeg: ['core'],
  clients: ['core', 'ffmpeg'],
  fleet: ['core', 'metrics', 'clients', 'scenarios/schema'],
  server: ['core', 'metrics', 'ffmpeg'],
  probes: ['core', 'metrics', 'clients', 'ffmpeg'],
  sinks: ['metrics'],
  scenarios: ['metrics'],
  dashboards: ['metrics'],
  web: ['metrics'],
};
const all = [...Object.keys(allowedImports), 'cli', 'tests', 'bench'];
// Unit tests beside their source may use the test kit (links, servers not ours), nothing else may.
const unitTest = '\\.test\\.ts$';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: { pathNot: '^scenarios/k6/' },
      to: { couldNotResolve: true },
    },
    ...Object.entries(allowedImports).map(([folder, allowed]) => ({
      name: `${folder}-imports-only-${allowed.join('-').replaceAll('/', '.') || 'itself'}`,
      severity: 'error',
      from: { path: `^${folder}/`, pathNot: [unitTest, '^scenarios/k6/'] },
      to: { path: `^(${all.join('|')})/`, pathNot: `^(${[folder, ...allowed].join('|')})(/|\\.ts$)` },
    })),
    {
      name: 'k6-scripts-import-only-core-and-metrics',
      severity: 'error',
      from: { path: '^scenarios/k6/' },
      to: { path: `^(${all.join('|')})/`, pathNot: '^(core|metrics|scenarios)/' },
    },
    {
      name: 'core-is-pure',
      severity: 'error',
      from: { path: '^core/', pathNot: unitTest },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev'] },
    },
    {
      name: 'only-ffmpeg-folder-starts-ffmpeg',
      severity: 'error',
      from: { pathNot: '^(ffmpeg|node_modules)/' },
      to: { path: 'node_modules/fluent-ffmpeg' },
    },
    {
      name: 'nothing-imports-the-cli',
      severity: 'error',
      from: { pathNot: ['^cli/', '^(tests|bench)/', unitTest] },
      to: { path: '^cli/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|fixtures)/' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    moduleSystems: ['es6', 'cjs'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
