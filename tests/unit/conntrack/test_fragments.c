#include "lab.h"
void suite_fragments(void)
{
}
