// Placeholder until the mixture's panel is written below.
export class MixturePart {}
