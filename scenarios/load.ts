import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { MAX_SCENARIO_BYTES, type ParsedScenario, parseScenario, readScenario, tooLarge } from './parse.ts';
import { ScenarioError } from './problem.ts';
import { runModule } from './run-module.ts';

/**
 * Reads a scenario file: `.yaml`, `.yml`, `.json`, or `.ts`, `.mts`, `.js`, `.mjs` whose default export, or export
 * `scenario`, is a scenario (a function or promise of one, too).
 * @param interrupted ends a module that takes too long
 * @throws ScenarioError
 */
export async function loadScenario(
  filename: string,
  overrides: readonly string[] = [],
  interrupted?: AbortSignal,
): Promise<ParsedScenario> {
  const extension = path.extname(filename).toLowerCase();
  if (['.yaml', '.yml', '.json'].includes(extension))
    return parseScenario(await readText(filename), filename, overrides);
  if (['.ts', '.mts', '.js', '.mjs'].includes(extension)) {
    await readText(filename);
    return readScenario(
      await runModule(await bundleModule(filename), filename, { interrupted }),
      filename,
      overrides,
    );
  }
  throw new ScenarioError([
    `${filename}: a scenario is a file that ends in .yaml, .json or .ts${extension ? `, not in ${extension}` : ''}`,
  ]);
}

async function readText(filename: string): Promise<string> {
  try {
    // Reading a named pipe or a device could take for ever.
    const found = await stat(filename);
    if (!found.isFile() && !found.isDirectory())
      throw new ScenarioError([`${filename}: is no file that could be a scenario`]);
    if (found.size > MAX_SCENARIO_BYTES) throw tooLarge(filename);
    return await readFile(filename, 'utf8');
  } catch (error) {
    if (error instanceof ScenarioError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new ScenarioError([`${filename}: no such file`]);
    if (code === 'EISDIR') throw new ScenarioError([`${filename}: is a folder, not a scenario file`]);
    if (code === 'EACCES') throw new ScenarioError([`${filename}: may not be read (permission denied)`]);
    throw new ScenarioError([`${filename}: could not be read (${message})`]);
  }
}

/** The code of a module with all it imports, by esbuild: Node 20 runs no TypeScript. */
async function bundleModule(filename: string): Promise<string> {
  const { build } = await import('esbuild');
  let code: string;
  try {
    const { outputFiles } = await build({
      entryPoints: [path.resolve(filename)],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      logLevel: 'silent',
      plugins: [
        {
          // A scenario outside this repository imports `defineScenario` from the package's name.
          name: 'streamgauge',
          setup(bundle) {
            bundle.onResolve({ filter: /^streamgauge$/ }, ({ path: name }) => ({
              path: name,
              namespace: 'streamgauge',
            }));
            bundle.onLoad({ filter: /.*/, namespace: 'streamgauge' }, () => ({
              contents: 'export const defineScenario = (scenario) => scenario;',
            }));
          },
        },
      ],
    });
    code = outputFiles[0]?.text ?? '';
  } catch (error) {
    const { errors } = error as {
      errors?: { text: string; location: { line: number; column: number } | null }[];
    };
    if (!errors) throw error;
    throw new ScenarioError(
      errors.map(({ text, location }) =>
        location ? `${filename}:${location.line}:${location.column + 1}: ${text}` : `${filename}: ${text}`,
      ),
    );
  }
  return code;
}
