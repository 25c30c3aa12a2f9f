/** DuckDB as an independent reader of tables. */

/** Its package is there on every platform, its library not. */
export async function requireDuckDB(): Promise<typeof import('@duckdb/node-api') | undefined> {
  try {
    return await import('@duckdb/node-api');
  } catch (error) {
    if (process.env.CI) throw error;
    console.warn('no DuckDB for this platform: its tests are skipped');
    return undefined;
  }
}
