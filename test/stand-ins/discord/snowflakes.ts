const DISCORD_EPOCH_MS = 1_420_070_400_000n

/** Ids as Discord makes them: milliseconds since 2015, then a counter; later ones are larger. */
export function createSnowflakes(now: () => number): () => string {
  let count = 0
  return () => {
    count += 1
    return (((BigInt(Math.floor(now())) - DISCORD_EPOCH_MS) << 22n) | BigInt(count & 0x3f_ffff)).toString()
  }
}
